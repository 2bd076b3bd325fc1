"""A typed client of the public HTTP API, and the `reelmesh` command."""

from reelmesh_client.client import Client
from reelmesh_client.errors import (
    ChangedError,
    ClientError,
    ConfigError,
    FailedError,
    FieldProblem,
    ProblemError,
    UnreachableError,
)
from reelmesh_client.models import (
    ApiKey,
    Asset,
    Event,
    Failure,
    Job,
    Media,
    Output,
    Playback,
    ReceivedPart,
    SignedPart,
    Stage,
    Upload,
)
from reelmesh_client.watching import Standing

__all__ = [
    "ApiKey",
    "Asset",
    "ChangedError",
    "Client",
    "ClientError",
    "ConfigError",
    "Event",
    "FailedError",
    "Failure",
    "FieldProblem",
    "Job",
    "Media",
    "Output",
    "Playback",
    "ProblemError",
    "ReceivedPart",
    "SignedPart",
    "Stage",
    "Standing",
    "UnreachableError",
    "Upload",
]
