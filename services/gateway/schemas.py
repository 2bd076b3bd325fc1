"""What the API answers, field by field."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.gateway.analysis import AnalysisOptions
from services.gateway.edits import Edits

Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC.")]
Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]
Visibility = Literal["private", "public"]
UploadState = Literal["receiving", "completed", "failed", "aborted", "expired"]
AssetKind = Literal["video", "image", "audio"]
AssetState = Literal["uploaded", "processing", "ready", "failed", "deleted"]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
StageState = Literal["pending", "running", "succeeded", "failed", "cancelled"]
OutputState = Literal["preparing", "ready", "skipped", "errored"]


class FieldProblem(BaseModel):
    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457; `code` is stable."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem]
    trace_id: str


class Failure(BaseModel):
    code: str
    message: str


class SignedPart(BaseModel):
    """One PUT to the object store, with these headers as they are."""

    part_number: int
    url: Url
    headers: dict[str, str]


class SignedParts(BaseModel):
    parts: list[SignedPart]


class ReceivedPart(BaseModel):
    part_number: int
    etag: str
    size: int


class ReceivedParts(BaseModel):
    parts: list[ReceivedPart]


class Upload(BaseModel):
    id: Id
    asset_id: Id
    state: UploadState | None
    file_name: str
    size: Annotated[int | None, Field(description="Null while it is not known.")]
    received: Annotated[int, Field(description="Bytes that are known to be there.")]
    content_type: str | None
    sha256: str | None
    preset: str | None
    job_id: Annotated[Id | None, Field(description="Of the job that follows; null until the upload completed.")]
    labels: dict[str, str]
    visibility: Visibility | None
    passthrough: str | None
    part_size: int
    part_count: int
    error: Failure | None
    expires_at: Time | None
    create_time: Time | None
    update_time: Time | None


class CreatedUpload(Upload):
    parts: Annotated[list[SignedPart], Field(description="The first hundred.")]


class UploadPage(BaseModel):
    items: list[Upload]
    next_page_token: str | None


class Media(BaseModel):
    """What the probe found in the source."""

    container: str | None
    duration: float | None
    width: int | None
    height: int | None
    frame_rate: float | None
    rotation: int
    bit_rate: int | None
    video_codec: str | None
    audio_codec: str | None
    hdr: str | None
    audio_channels: int | None
    audio_sample_rate: int | None
    frames: int | None


class Output(BaseModel):
    id: Id
    job_id: Id
    kind: Annotated[str, Field(description="hls, dash, file, image, poster, sprite or audio.")]
    name: str
    state: OutputState | None
    url: Url | None
    width: int | None
    height: int | None
    bit_rate: int | None
    codec: str | None
    size: int | None
    duration: float | None


class Analysis(BaseModel):
    state: Literal["pending", "ready", "errored"] | None
    answer: Annotated[Any, Field(description="What the service said, as it is; null in lists and events.")]
    error: Failure | None
    update_time: Time | None


class Asset(BaseModel):
    id: Id
    upload_id: Id | None
    playback_id: Id | None
    kind: AssetKind | None
    state: AssetState | None
    playable: bool
    file_name: str
    size: int
    content_type: str | None
    sha256: str | None
    labels: dict[str, str]
    visibility: Visibility | None
    passthrough: str | None
    error: Failure | None
    media: Media | None
    outputs: list[Output]
    analysis: Annotated[Analysis | None, Field(description="Null where no analysis service was asked about it.")]
    poster_url: Annotated[Url | None, Field(description="Of a private asset it is good for ten minutes.")]
    votes: int
    create_time: Time | None
    update_time: Time | None
    delete_time: Time | None
    source_delete_time: Annotated[Time | None, Field(description="Since when the uploaded file is no longer kept.")]


class AssetPage(BaseModel):
    items: list[Asset]
    next_page_token: str | None


class AssetEvent(BaseModel):
    id: Id
    type: Annotated[str, Field(description="`asset.created`, `asset.updated`, `asset.ready` and so on.")]
    create_time: Time | None
    state: AssetState | None
    subject: Annotated[str | None, Field(description="Who asked for it; null for the platform.")]
    job_id: Id | None
    changed: Annotated[list[str], Field(description="Names of what changed.")]
    error_code: str | None


class AssetEventPage(BaseModel):
    items: list[AssetEvent]
    next_page_token: str | None


class Vote(BaseModel):
    asset_id: Id
    votes: int
    voted: bool


class Retention(BaseModel):
    """In days; null is for ever."""

    original_days: int | None
    deleted_days: int | None


class Playback(BaseModel):
    """Null is what there is not yet."""

    hls_url: Url | None
    dash_url: Url | None
    poster_url: Url | None
    storyboard_url: Url | None
    embed_url: Url | None
    outputs: Annotated[list[Output], Field(description="Of all jobs of the asset, each with its URL.")]
    expires_at: Annotated[Time | None, Field(description="Null for what is public.")]


class SignedUrl(BaseModel):
    url: Url
    expires_at: Time


class Stage(BaseModel):
    name: str
    state: StageState | None
    tasks_total: int
    tasks_done: int


class Job(BaseModel):
    id: Id
    asset_id: Id
    state: JobState | None
    progress: Annotated[float, Field(description="0 to 1.")]
    playable: bool
    priority: int
    attempts: int
    preset: str | None
    edits: Annotated[Edits | None, Field(description="Its own over its preset's; null for none.")]
    analysis: Annotated[AnalysisOptions | None, Field(description="What is told in analysis.json; null for nothing.")]
    outputs: list[Output]
    error: Failure | None
    stages: list[Stage]
    timings: Annotated[dict[str, float], Field(description="Seconds by stage.")]
    eta_seconds: Annotated[float | None, Field(description="Until its end, by its speed so far; null while unknown.")]
    create_time: Time | None
    start_time: Time | None
    end_time: Time | None


class Attempt(BaseModel):
    """One attempt at a task of a job, once it is over."""

    id: Id
    task_id: Id
    kind: Annotated[str, Field(description="`encode_video` and so on.")]
    index: Annotated[int, Field(description="Of the tasks of its kind.")]
    epoch: Annotated[int, Field(description="Which claim of the task it was.")]
    worker_id: str | None
    outcome: Literal["succeeded", "failed", "cancelled"]
    error_code: str | None
    command: Annotated[str, Field(description="The last program that it ran.")]
    log: Annotated[str, Field(description="The end of what that said.")]
    create_time: Time | None


class AttemptPage(BaseModel):
    items: list[Attempt]
    next_page_token: str | None


class JobPage(BaseModel):
    items: list[Job]
    next_page_token: str | None


class Tenant(BaseModel):
    id: Id
    name: str
    create_time: Time | None


class Event(BaseModel):
    """The `data` of a server-sent event."""

    type: str
    timestamp: Time
    data: dict[str, Any]


class Health(BaseModel):
    status: Literal["ok", "ready"]
