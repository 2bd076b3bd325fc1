"""Whether a preset that a client names is one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.transcode.v1 import transcode_pb2

from meshkit.errors import FieldError, InvalidArgument
from services.gateway.channels import TIMEOUT

if TYPE_CHECKING:
    from services.gateway.channels import Services


async def check_preset(services: Services, name: str | None) -> None:
    """Raises InvalidArgument (`unknown_preset`); no name is the tenant's default, and fine."""
    if not name:
        return
    answer = await services.transcode.ListPresets(transcode_pb2.ListPresetsRequest(), timeout=TIMEOUT)
    known = sorted(preset.name for preset in answer.presets)
    if name not in known:
        field = FieldError("preset", f"not one of {', '.join(known)}")
        raise InvalidArgument("unknown_preset", f"there is no preset {name}", fields=(field,))
