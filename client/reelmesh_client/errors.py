"""Every way a call can go wrong, as one tree.

ClientError
├── ConfigError        no address or no key, or they make no sense
├── UnreachableError   nobody answered, or not in time, or not like a mesh
├── ProblemError       the mesh, or its object store, refused
├── FailedError        an upload, asset or job came to a bad end
└── ChangedError       the file is not the one that the upload began with
"""

from dataclasses import dataclass


class ClientError(Exception):
    """Its text is one line for a person; `code` is for programs."""

    code = "client_error"
    trace_id = ""


class ConfigError(ClientError):
    code = "not_configured"


class UnreachableError(ClientError):
    code = "unreachable"


class ChangedError(ClientError):
    code = "file_changed"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of a request."""

    field: str
    message: str


class ProblemError(ClientError):
    """A problem+json answer (RFC 9457). `code` is stable; `retry_after` is in seconds, where the answer said it."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        detail: str,
        errors: tuple[FieldProblem, ...] = (),
        trace_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.trace_id = trace_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        return "; ".join([self.detail, *[f"{error.field}: {error.message}" for error in self.errors]])


class FailedError(ClientError):
    """`code` is the typed reason, such as `not_media`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message
