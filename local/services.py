"""Which processes make up the mesh, and what each is told by its environment."""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from local import probe
from local.home import Home
from local.infra import Infra
from local.ports import ports_of
from local.process import Program, Ready

CODE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    name: str
    module: str
    schema: str = ""  # in the database; none: it has no database
    addr: str = ""  # the variable by which the others find it
    http: bool = False
    key: str = ""  # its name among SERVICE_KEYS


TABLE = (
    Service(name="identity", module="services.identity", schema="identity", addr="IDENTITY_ADDR"),
    Service(name="upload", module="services.upload", schema="upload", addr="UPLOAD_ADDR"),
    Service(name="metadata", module="services.metadata", schema="metadata", addr="METADATA_ADDR"),
    Service(name="scheduler", module="services.transcode.scheduler", schema="transcode", addr="TRANSCODE_ADDR"),
    Service(name="notify", module="services.notify", schema="notify", addr="NOTIFY_ADDR", key="notify"),
    Service(name="gateway", module="services.gateway", http=True, key="gateway"),
)
KEY_HOLDERS = ("gateway", "transcode-worker", "notify", "operator")


def worker(number: int) -> Service:
    return Service(name=f"worker-{number}", module="services.transcode.worker", key="transcode-worker")


def core_of(worker: Service) -> int:
    """Workers take turns on the cores that this process may use."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[int(worker.name.removeprefix("worker-")) % len(cores)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is known before the first process starts."""

    home: Home
    infra: Infra
    services: tuple[Service, ...]
    inherited: Mapping[str, str]  # the caller's environment, for OTEL_* and the like
    metrics: bool = False  # whether each process shows its metrics, on a port of its own

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port('gateway')}"

    @property
    def api_key(self) -> str:
        return self.home.secret("api-key", new_key)

    @property
    def metrics_urls(self) -> dict[str, str]:
        """By service; none where they are not shown."""
        named = {each.name: f"{each.name}-metrics" for each in self.services if self.metrics}
        return {name: f"http://127.0.0.1:{self.port(port)}/metrics" for name, port in named.items()}

    def port(self, name: str) -> int:
        return ports_of(self.home).remembered(name)

    def database_url(self, schema: str) -> str:
        at = urlsplit(self.infra.database_admin_url)
        return f"postgresql://reelmesh_{schema}:{self.database_password(schema)}@{at.hostname}:{at.port}{at.path}"

    def database_password(self, schema: str) -> str:
        return self.home.secret(f"postgres-{schema}")

    def service_key(self, holder: str) -> str:
        return self.home.secret(f"service-key-{holder}", new_key)

    @property
    def operator_key(self) -> str:
        return self.service_key("operator")

    def scratch(self, service: Service) -> Path:
        return self.home.path / "scratch" / service.name

    def program(self, service: Service) -> Program:
        return Program(
            name=service.name,
            argv=(sys.executable, "-m", service.module),
            env={**self.inherited, **self.common(), **self.own(service)},
            cwd=CODE,
            grace_seconds=20.0,
        )

    def ready(self, service: Service) -> Ready:
        port = self.port(service.name)
        return partial(probe.http_ok, port, "/readyz") if service.http else partial(probe.grpc_ok, port)

    def common(self) -> dict[str, str]:
        return {
            "REELMESH_ENV": "development",
            "PYTHONUNBUFFERED": "1",
            "NATS_URL": self.infra.nats_url,
            "S3_ENDPOINT_URL": self.infra.s3_endpoint_url,
            "S3_PUBLIC_ENDPOINT_URL": self.infra.s3_endpoint_url,
            "S3_BUCKET": self.infra.s3_bucket,
            "S3_ACCESS_KEY_ID": self.infra.s3_access_key_id,
            "S3_SECRET_ACCESS_KEY": self.infra.s3_secret_access_key,
            **{each.addr: f"127.0.0.1:{self.port(each.name)}" for each in self.services if each.addr},
        }

    def own(self, service: Service) -> dict[str, str]:
        port = str(self.port(service.name))
        env = {"HTTP_PORT": port, "PUBLIC_URL": self.url} if service.http else {"GRPC_PORT": port}
        if self.metrics:
            env["METRICS_PORT"] = str(self.port(f"{service.name}-metrics"))
        if service.schema:
            env["DATABASE_URL"] = self.database_url(service.schema)
        if service.key:
            env["SERVICE_KEY"] = self.service_key(service.key)
        if service.key == "transcode-worker":
            env |= {"SCRATCH_DIR": str(self.scratch(service)), "FFMPEG_PATH": self.infra.ffmpeg}
            # The mesh starts as many workers as it wants, and each is one process on a core of its own.
            env |= {"WORKER_SLOTS": "1", "WORKER_CPU": str(core_of(service))}
        if service.name == "notify":
            env["WEBHOOK_ALLOW_LOOPBACK"] = "true"
        if service.name == "identity":
            keys = {holder: self.service_key(holder) for holder in KEY_HOLDERS}
            env |= {"BOOTSTRAP_API_KEY": self.api_key, "SERVICE_KEYS": json.dumps(keys)}
        return env


def plan(
    home: Home,
    infra: Infra,
    *,
    workers: int,
    env: Mapping[str, str],
    table: tuple[Service, ...] = TABLE,
    metrics: bool = False,
) -> Plan:
    services = (*table, *[worker(number) for number in range(1, workers + 1)])
    for service in services:
        ports_of(home).take(service.name)
        if metrics:
            ports_of(home).take(f"{service.name}-metrics")
    return Plan(home=home, infra=infra, services=services, inherited=env, metrics=metrics)


def new_key() -> str:
    return f"rmk_{secrets.token_urlsafe(32)}"
