"""What the API tells, as frozen data. Sizes in bytes, durations in seconds, bit rates in bits per second.

`raw` is the answer as it came, with whatever a newer mesh says beyond this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from fractions import Fraction
from typing import Any, Self

Json = Mapping[str, Any]


def same(cls: type, body: Json) -> dict[str, Any]:
    """The values that go into `cls` as they are: those it names and the answer has."""
    return {each.name: body[each.name] for each in fields(cls) if body.get(each.name) is not None}


def moment(body: Json, name: str) -> datetime | None:
    return datetime.fromisoformat(body[name]) if body.get(name) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why it failed: a stable reason, and a line for people."""

    code: str
    message: str = ""


def failure(body: Json) -> Failure | None:
    return Failure(**same(Failure, body["error"])) if body.get("error") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPart:
    """One PUT to the object store; `headers` must be sent as they are."""

    part_number: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def signed_parts(body: Json) -> list[SignedPart]:
    return [SignedPart(**same(SignedPart, part)) for part in body.get("parts") or ()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedPart:
    part_number: int
    etag: str = ""
    size: int = 0


def received_parts(body: Json) -> list[ReceivedPart]:
    return [ReceivedPart(**same(ReceivedPart, part)) for part in body["parts"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """`state`: receiving, completed, failed, aborted or expired. `parts`: those signed with this answer."""

    id: str
    asset_id: str
    state: str = ""
    size: int = 0
    part_size: int = 0
    part_count: int = 0
    parts: tuple[SignedPart, ...] = ()
    error: Failure | None = None
    expires_at: datetime | None = None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Json) -> Self:
        own = {
            "parts": tuple(signed_parts(body)),
            "error": failure(body),
            "expires_at": moment(body, "expires_at"),
            "raw": body,
        }
        return cls(**same(cls, body) | own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What was found in the source; `width` and `height` as shown."""

    container: str = ""
    duration: float = 0.0
    width: int = 0
    height: int = 0
    frame_rate: Fraction | None = None
    rotation: int = 0
    bit_rate: int = 0
    video_codec: str = ""
    audio_codec: str = ""
    hdr: str = ""

    @classmethod
    def from_json(cls, body: Json) -> Self:
        return cls(**same(cls, body) | {"frame_rate": rate(body.get("frame_rate"))})


def rate(value: object) -> Fraction | None:
    """From a ratio such as `30000/1001`, or a number such as 29.97."""
    try:
        exact = Fraction(str(value or 0))
    except (ValueError, ZeroDivisionError):
        return None
    return exact.limit_denominator(1001) if exact else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """`kind`: hls, dash, file, image, poster, sprite or audio. `state`: preparing, ready, skipped or errored."""

    id: str
    kind: str = ""
    state: str = ""
    job_id: str = ""
    name: str = ""
    url: str = ""
    width: int = 0
    height: int = 0
    bit_rate: int = 0
    codec: str = ""
    size: int = 0
    duration: float = 0.0


def outputs(body: Json) -> tuple[Output, ...]:
    return tuple(Output(**same(Output, output)) for output in body.get("outputs") or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """`kind`: video, image or audio. `state`: uploaded, processing, ready, failed or deleted."""

    id: str
    state: str = ""
    kind: str = ""
    playable: bool = False
    file_name: str = ""
    size: int = 0
    content_type: str = ""
    sha256: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    visibility: str = ""
    passthrough: str = ""
    error: Failure | None = None
    media: Media | None = None
    outputs: tuple[Output, ...] = ()
    poster_url: str = ""
    votes: int = 0
    create_time: datetime | None = None
    update_time: datetime | None = None
    delete_time: datetime | None = None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Json) -> Self:
        media = Media.from_json(body["media"]) if body.get("media") else None
        own = {"media": media, "error": failure(body), "outputs": outputs(body), "raw": body}
        times = {name: moment(body, name) for name in ("create_time", "update_time", "delete_time")}
        return cls(**same(cls, body) | own | times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    name: str
    state: str = ""
    tasks_total: int = 0
    tasks_done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`state`: queued, running, succeeded, failed or cancelled. `progress` goes from 0 to 1."""

    id: str
    state: str = ""
    asset_id: str = ""
    progress: float = 0.0
    playable: bool = False
    priority: int = 0
    attempts: int = 0
    preset: str = ""
    outputs: tuple[Output, ...] = ()
    error: Failure | None = None
    stages: tuple[Stage, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    create_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Json) -> Self:
        stages = tuple(Stage(**same(Stage, stage)) for stage in body.get("stages") or ())
        own = {"stages": stages, "error": failure(body), "outputs": outputs(body), "raw": body}
        times = {name: moment(body, name) for name in ("create_time", "start_time", "end_time")}
        return cls(**same(cls, body) | own | times)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What a program calls with; only the answer that made it has its `secret`."""

    id: str
    name: str
    scopes: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)
    create_time: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Json) -> Self:
        times = {name: moment(body, name) for name in ("create_time", "expires_at", "last_used_at")}
        return cls(**same(cls, body) | times | {"scopes": tuple(body["scopes"]), "raw": body})


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """Addresses that need no key; those that do not exist are empty."""

    hls_url: str = ""
    dash_url: str = ""
    poster_url: str = ""
    storyboard_url: str = ""
    embed_url: str = ""
    expires_at: datetime | None = None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Json) -> Self:
        return cls(**same(cls, body) | {"expires_at": moment(body, "expires_at"), "raw": body})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`type` such as `asset.ready`; `id` resumes the feed after this event; `data` as the API shows the thing."""

    id: str
    type: str
    timestamp: datetime | None = None
    data: Json
