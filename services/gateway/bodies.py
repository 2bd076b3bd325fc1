"""What the API takes, field by field."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from services.gateway.body import Body
from services.gateway.schemas import Visibility

INT64_MAX = (1 << 63) - 1

# Postgres has no NUL in texts.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
LabelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]


def label_text(value: object) -> object:
    """Numbers and booleans as the text that they are kept as."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return value


LabelValue = Annotated[
    Text,
    StringConstraints(max_length=255),
    BeforeValidator(label_text, json_schema_input_type=str | float | bool),
]
Labels = Annotated[dict[LabelName, LabelValue], Field(max_length=64)]
FileName = Annotated[Text, StringConstraints(min_length=1, max_length=255)]
Passthrough = Annotated[Text, StringConstraints(max_length=1024)]
PresetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
WebhookUrl = Annotated[Text, StringConstraints(min_length=1, max_length=2048)]
EventTypes = Annotated[
    list[Annotated[Text, StringConstraints(max_length=64)]],
    Field(max_length=32, description="Such as `asset.ready`; none for all."),
]
Description = Annotated[Text, StringConstraints(max_length=255)]
# No other time zone moves these out of the calendar.
Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9999, 12, 30, tzinfo=UTC))]
PartNumber = Annotated[int, Field(ge=1, le=10_000)]


def _forget_default(schema: dict[str, Any]) -> None:
    del schema["default"]


_NO_DEFAULT = Field(json_schema_extra=_forget_default)
"""For what is optional without standing for any value."""


def refused(error: ValidationError) -> RequestValidationError:
    """For what stands in for a body: a form's fields, tus's metadata."""
    return RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()])


class S3Part(BaseModel):
    PartNumber: PartNumber
    ETag: Annotated[Text, StringConstraints(min_length=1, max_length=130)]


class S3CompleteRequest(BaseModel):
    parts: Annotated[list[S3Part], Field(min_length=1, max_length=10_000)]


class S3MultipartRequest(BaseModel):
    """`metadata` is the client's own.

    Of it count `sha256`, `preset`, `job`, `visibility`, `passthrough`, `label.<name>`.
    """

    filename: FileName
    type: str = ""
    metadata: dict[str, Any] | None = None


class PartsRequest(Body):
    part_numbers: Annotated[list[PartNumber], Field(min_length=1, max_length=1000)]


class CompletedPart(Body):
    part_number: PartNumber
    etag: Annotated[Text, StringConstraints(min_length=1, max_length=128)]


class CompleteRequest(Body):
    parts: Annotated[list[CompletedPart], Field(max_length=10_000)] = []


class AssetPatch(Body):
    """What is not named stays; `null` clears."""

    file_name: Annotated[FileName, _NO_DEFAULT] = ""
    labels: Annotated[Labels | None, _NO_DEFAULT] = None
    visibility: Annotated[Visibility, _NO_DEFAULT] = "private"
    passthrough: Annotated[Passthrough | None, _NO_DEFAULT] = None


class WebhookRequest(Body):
    url: WebhookUrl
    events: EventTypes = []
    description: Description | None = None


class WebhookPatch(Body):
    """What is not named stays; `null` clears."""

    url: Annotated[WebhookUrl, _NO_DEFAULT] = ""
    events: Annotated[EventTypes | None, _NO_DEFAULT] = None
    description: Annotated[Description | None, _NO_DEFAULT] = None
    enabled: Annotated[bool, _NO_DEFAULT] = True


class AnalysisHookRequest(Body):
    url: WebhookUrl
    description: Description | None = None


class RotateRequest(Body):
    overlap: Annotated[int, Field(ge=0, le=604_800, description="Seconds that the old secret signs on.")] = 86_400


class ReplayRequest(Body):
    start_time: Annotated[AwareDatetime, Field(description="What was made from then on.")]
    end_time: Annotated[AwareDatetime | None, Field(description="What was made before; now when not said.")] = None
    state: Literal["succeeded", "failed"] | None = None


class RetentionRequest(Body):
    """In days; `null` is for ever."""

    original_days: Annotated[int | None, Field(ge=0, le=36_500, description="A source, after its asset became ready.")]
    deleted_days: Annotated[int | None, Field(ge=0, le=36_500, description="An asset, after it was deleted.")]
