"""What the `reelmesh` command ends with. Scripts rely on the numbers: they never change."""

from enum import IntEnum

from reelmesh_client.errors import ChangedError, ConfigError, FailedError, ProblemError, UnreachableError


class Exit(IntEnum):
    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NO_MESH = 3
    REFUSED = 4
    NOT_FOUND = 5
    INVALID = 6
    FAILED = 7
    LACKING = 8
    INTERRUPTED = 130


MEANING = {
    Exit.OK: "it worked",
    Exit.UNEXPECTED: "an unexpected error",
    Exit.USAGE: "wrong usage",
    Exit.NO_MESH: "the mesh cannot be reached, is not configured, or cannot start",
    Exit.REFUSED: "refused: a wrong key, one without the permission, or a quota that is used up",
    Exit.NOT_FOUND: "no such thing",
    Exit.INVALID: "an invalid request",
    Exit.FAILED: "the upload, asset or job failed",
    Exit.LACKING: "doctor found something missing",
    Exit.INTERRUPTED: "interrupted",
}


def exit_for(error: Exception) -> Exit:
    match error:
        case ProblemError(code="quota_exceeded"):
            return Exit.REFUSED
        case ProblemError():
            return exit_for_status(error.status)
        case UnreachableError() | ConfigError():
            return Exit.NO_MESH
        case FailedError() | ChangedError():
            return Exit.FAILED
        case _:
            return Exit.UNEXPECTED


def exit_for_status(status: int) -> Exit:
    match status:
        case 401 | 403:
            return Exit.REFUSED
        case 404 | 410:
            return Exit.NOT_FOUND
        case 429 | 502 | 503 | 504:
            return Exit.NO_MESH
        case _ if 400 <= status < 500:
            return Exit.INVALID
        case _:
            return Exit.UNEXPECTED
