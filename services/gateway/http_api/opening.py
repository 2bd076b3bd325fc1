"""An asset that is about to be read: metadata decides who may, and puts it on record."""

from reelmesh.metadata.v1 import metadata_pb2

from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import Gateway, ResourceId


async def opened(
    mesh: Gateway, asset_id: ResourceId, purpose: metadata_pb2.OpenAssetRequest.Purpose.ValueType
) -> metadata_pb2.Asset:
    request = metadata_pb2.OpenAssetRequest(asset_id=str(asset_id), purpose=purpose)
    return (await mesh.services.metadata.OpenAsset(request, timeout=TIMEOUT)).asset
