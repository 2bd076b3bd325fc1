"""The gateway as an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from services.gateway import problems, schemas
from services.gateway.access import Access
from services.gateway.cors import Cors
from services.gateway.http_api import (
    analysis,
    api_keys,
    assets,
    audit,
    auth,
    docs,
    embed,
    events,
    forms,
    health,
    jobs,
    me,
    members,
    playback,
    presets,
    retention,
    s3,
    sources,
    tenants,
    transcode,
    tus,
    uploads,
    votes,
    webhooks,
)
from services.gateway.patience import BodyPace
from services.gateway.rates import AddressLimit
from services.gateway.tus import Tus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi.routing import APIRoute

    from services.gateway.http_api.deps import Gateway

_UPLOADS = (uploads, forms, tus, s3, transcode)
_ASSETS = (assets, sources, votes, retention, audit)
_ROUTERS = (
    auth,
    api_keys,
    members,
    *_UPLOADS,
    *_ASSETS,
    jobs,
    presets,
    events,
    webhooks,
    analysis,
    me,
    tenants,
    playback,
    embed,
    health,
    docs,
)


def make_app(gateway: Gateway, cors_origins: Sequence[str] = ()) -> FastAPI:
    app = FastAPI(
        title="Reelmesh",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        # `Access` tells of requests, for a tenth of what this costs.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.gateway = gateway
    app.state.routes = [route for each in _ROUTERS for route in each.router.routes]
    app.add_middleware(problems.BodyLimit)
    app.add_middleware(BodyPace)
    app.add_middleware(AddressLimit, rates=gateway.rates)
    app.add_middleware(problems.Unexpected)
    app.add_middleware(Tus)
    app.add_middleware(Cors, origins=cors_origins)
    app.add_middleware(Access)
    problems.handle(app)
    for each in _ROUTERS:
        app.include_router(each.router)
    app.mount(docs.ASSETS, docs.assets)
    app.mount(embed.ASSETS, embed.assets)
    _describe(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _describe(app: FastAPI) -> None:
    """Schemas that no route returns as its model, but that answers refer to."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        named = document["components"]["schemas"]
        for model in (schemas.Problem, schemas.Event):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            named.update(schema.pop("$defs", {}))
            named[model.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the document
