"""/healthz, /readyz and /metrics: for those who run the gateway."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from meshkit.errors import Unavailable
from meshkit.metrics import REGISTRY
from services.gateway import schemas
from services.gateway.http_api.deps import Mesh, problems

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=schemas.Health)
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=schemas.Health, responses=problems())
async def readyz(mesh: Mesh) -> dict[str, str]:
    """Every service behind answers too, and the gateway is not on its way out."""
    if mesh.feed.stop.is_set():
        raise Unavailable("draining", "the gateway is about to end")
    if unready := await mesh.services.unready():
        raise Unavailable("not_ready", f"not serving: {', '.join(unready)}")
    return {"status": "ready"}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics() -> Response:
    """Prometheus text."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
