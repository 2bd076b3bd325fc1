"""What the API takes of jobs, field by field."""

from typing import Annotated

from pydantic import Field, StringConstraints

from services.gateway.analysis import AnalysisOptions
from services.gateway.bodies import PresetName, WebhookUrl
from services.gateway.body import Body
from services.gateway.edits import Edits
from services.gateway.preset_schemas import OutputRequest

CallbackUrl = Annotated[WebhookUrl | None, Field(description="Is called when the job is over.")]


class JobOptions(Body):
    """What may be said of a job, beside its asset."""

    preset: PresetName | None = None
    outputs: Annotated[
        list[OutputRequest] | None, Field(min_length=1, max_length=8, description="In place of a preset.")
    ] = None
    edits: Edits | None = None
    analysis: Annotated[
        AnalysisOptions | bool | None,
        Field(description="Tell of cuts, black, loudness, VMAF in analysis.json; or do not."),
    ] = None
    priority: Annotated[int | None, Field(ge=0, le=100, description="Higher goes first; 50 when not said.")] = None
    callback_url: CallbackUrl = None


class JobRequest(JobOptions):
    asset_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
