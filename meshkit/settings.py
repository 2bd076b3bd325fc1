"""What a process is told by its environment: read once in `main`, frozen, complete or not started at all."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

_Limit = Annotated[int, Field(ge=0)] | None
Limit = Annotated[_Limit, BeforeValidator(lambda said: None if said == "unlimited" else said)]
"""A number, or `unlimited`."""


class Settings(BaseSettings):
    """What every process of the mesh has. Most of the standard `OTEL_*` names are read by OpenTelemetry itself."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    reelmesh_env: Literal["development", "production"] = "production"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otel_sdk_disabled: bool = False
    otel_traces_exporter: Literal["otlp", "none"] = "otlp"
    otel_traces_sampler: str = "parentbased_always_on"
    otel_traces_sampler_arg: str = ""
    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_traces_endpoint: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """Where Prometheus finds `/metrics` of this process; when not said, nowhere."""
    grpc_tls_cert: str = ""
    """Files in PEM: the certificate of this process, its key, and the authority of all certificates of the mesh.

    Without them the services speak plain text to one another.
    """
    grpc_tls_key: str = ""
    grpc_tls_ca: str = ""

    @model_validator(mode="after")
    def _tls_whole(self) -> Self:
        told = [self.grpc_tls_cert, self.grpc_tls_key, self.grpc_tls_ca]
        if any(told) and not all(told):
            raise ValueError("GRPC_TLS_CERT, GRPC_TLS_KEY and GRPC_TLS_CA go together")
        return self

    @property
    def traced(self) -> bool:
        """Whether there is somebody to send spans to."""
        told = self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint
        return bool(told) and self.otel_traces_exporter == "otlp" and not self.otel_sdk_disabled

    @property
    def sampling(self) -> tuple[float, bool]:
        """Of the traces that begin here, what the sampler may keep; and whether it follows what others decided."""
        if not self.traced:
            return 0.0, True
        name = self.otel_traces_sampler.lower()
        ratio = 0.0 if name.endswith("always_off") else 1.0
        if name.endswith("traceidratio"):
            with suppress(ValueError):
                ratio = float(self.otel_traces_sampler_arg)
        return ratio, name.startswith("parentbased_")

    @property
    def development(self) -> bool:
        return self.reelmesh_env == "development"


class GrpcSettings(Settings):
    grpc_host: str = "127.0.0.1"
    grpc_port: int


class DatabaseSettings(Settings):
    database_url: str


class NatsSettings(Settings):
    nats_url: str
    nats_replicas: int = 1
    """Servers that keep each stream; what is not there yet is made so, and what has fewer gets more."""


class S3Settings(Settings):
    s3_endpoint_url: str
    """Where the mesh reaches the store."""
    s3_public_endpoint_url: str
    """Where clients reach it: presigned URLs name this one."""
    s3_bucket: str
    s3_access_key_id: str
    s3_secret_access_key: str
    s3_region: str = "us-east-1"


T = TypeVar("T", bound=Settings)


def load(settings: type[T]) -> T:
    """Read the environment. Ends the process with code 2, naming every missing or wrong variable at once."""
    try:
        return settings()
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"{name}: {problem['msg']}\n")
        raise SystemExit(2) from None
    except SettingsError as error:
        # A variable that shall be JSON and is not; the message names it, and keeps its value to itself.
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
