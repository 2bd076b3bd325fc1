"""What the API takes of files on their way in, field by field."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from pydantic_core import from_json

from meshkit.errors import FieldError, InvalidArgument
from services.gateway.bodies import INT64_MAX, FileName, Labels, Passthrough, PresetName
from services.gateway.body import Body
from services.gateway.job_bodies import JobOptions
from services.gateway.schemas import Visibility

_OBJECTS = ("labels", "job")


class FileFields(Body):
    """What may be said of a file itself, whichever way it comes."""

    content_type: Annotated[str, StringConstraints(max_length=255, pattern=r"^[!-~]+/[!-~][ -~]*$")] | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    preset: PresetName | None = None
    labels: Labels = {}
    visibility: Visibility = "private"
    passthrough: Passthrough | None = None


class UploadFields(FileFields):
    job: Annotated[JobOptions | None, Field(description="The job that follows; its preset may stand beside it.")] = None


class UploadRequest(UploadFields):
    file_name: FileName
    size: Annotated[int, Field(ge=0, le=INT64_MAX, description="Bytes.")]


class FormRequest(UploadFields):
    """What the fields of a form say; the file's name and type may come with its part instead."""

    file_name: FileName


class FromUrlRequest(UploadFields):
    url: Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[!-~]+$")]
    file_name: Annotated[FileName | None, Field(description="The last part of the URL's path when not said.")] = None


def of_text(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that came as text, with those that are JSON objects read. Raises InvalidArgument."""
    read = dict(values)
    for name in _OBJECTS:
        if isinstance(read.get(name), str):
            try:
                read[name] = from_json(read[name], allow_inf_nan=False)
            except ValueError:
                field = FieldError(name, "is no JSON object")
                raise InvalidArgument("invalid_argument", field.message, fields=(field,)) from None
    return read
