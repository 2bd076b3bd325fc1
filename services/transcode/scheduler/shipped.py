"""The presets that come with the package: YAML files, held to the rules of the proto like any tenant's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import protovalidate
import yaml
from google.protobuf import json_format
from reelmesh.transcode.v1 import preset_pb2

from meshkit.grpc.status import from_validation
from services.transcode.scheduler import preset_wire

if TYPE_CHECKING:
    from services.transcode.media.preset import Preset

FOLDER = Path(__file__).resolve().parents[1] / "presets"


def shipped(folder: Path = FOLDER) -> list[Preset]:
    """One for each file, named as it is, in their order. Raises ValueError that names file, field and fault."""
    return [load(path) for path in sorted(folder.glob("*.yaml"))]


def load(path: Path) -> Preset:
    message = preset_pb2.Preset(name=path.stem)
    try:
        json_format.ParseDict(yaml.safe_load(path.read_text()) or {}, message)
        protovalidate.validate(message)
    except (yaml.YAMLError, json_format.ParseError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    except protovalidate.ValidationError as error:
        faults = "; ".join(f"{each.field}: {each.message}" for each in from_validation(error).fields)
        raise ValueError(f"{path.name}: {faults}") from error
    return preset_wire.from_preset(message)
