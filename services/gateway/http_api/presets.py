"""/v1/presets: named recipes, those that are shipped and a tenant's own."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from grpc.aio import AioRpcError
from reelmesh.transcode.v1 import transcode_pb2

from services.gateway import preset_schemas as schemas
from services.gateway import preset_wire, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import PROTECTED, PROTECTED_PROBLEMS, IfMatch, Mesh, problems
from services.gateway.problems import named, precondition

router = APIRouter(prefix="/v1/presets", tags=["presets"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


@router.get("", response_model=schemas.PresetPage)
async def list_presets(mesh: Mesh) -> dict[str, Any]:
    """The named recipes that an upload or a job can ask for: what is shipped, then your own, all on one page."""
    answer = await mesh.services.transcode.ListPresets(transcode_pb2.ListPresetsRequest(), timeout=TIMEOUT)
    return wire.from_page(list(map(preset_wire.from_preset, answer.presets)), "")


@router.get("/{preset_name}", response_model=schemas.Preset, responses=problems(404))
async def get_preset(preset_name: Name, mesh: Mesh, response: Response) -> dict[str, Any]:
    request = transcode_pb2.GetPresetRequest(name=preset_name)
    preset = (await mesh.services.transcode.GetPreset(request, timeout=TIMEOUT)).preset
    if preset.etag:
        response.headers["ETag"] = f'"{preset.etag}"'
    return preset_wire.from_preset(preset)


@router.put(
    "/{preset_name}",
    response_model=schemas.Preset,
    responses={201: {"model": schemas.Preset, "description": "Made"}, **problems(404, 409, 412, 413, 415)},
)
async def put_preset(
    preset_name: Name, body: schemas.PresetRequest, mesh: Mesh, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Make a preset, or change one of yours. Jobs that were made of it before keep what it said then."""
    request = transcode_pb2.PutPresetRequest(
        preset=preset_wire.to_preset(preset_name, body), etag=wire.to_etag(if_match)
    )
    try:
        answer = await mesh.services.transcode.PutPreset(request, timeout=TIMEOUT)
    except AioRpcError as error:
        raise named(precondition(error), "preset.", "") from error
    response.status_code = 201 if answer.created else 200
    response.headers["ETag"] = f'"{answer.preset.etag}"'
    return preset_wire.from_preset(answer.preset)


@router.delete("/{preset_name}", status_code=204, responses=problems(404, 409, 412))
async def delete_preset(preset_name: Name, mesh: Mesh, if_match: IfMatch = None) -> None:
    """Jobs that were made of it go on."""
    request = transcode_pb2.DeletePresetRequest(name=preset_name, etag=wire.to_etag(if_match))
    try:
        await mesh.services.transcode.DeletePreset(request, timeout=TIMEOUT)
    except AioRpcError as error:
        raise precondition(error) from error
