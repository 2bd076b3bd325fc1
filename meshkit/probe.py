"""Whether processes serve: `python -m meshkit.probe [--name NAME] [URL or HOST:PORT …]`, ends with 0 when all do.

HOST:PORT shall say SERVING by gRPC's health checks, a URL shall answer 200, asked with BOOTSTRAP_API_KEY if there is
one. Without any, it is the process of this container. `--name` is what the certificate says where addresses do not.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import urllib.request
from typing import Any
from urllib.error import URLError

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from meshkit.grpc import tls
from meshkit.settings import Settings, load

TIMEOUT = 4.0
SERVING = health_pb2.HealthCheckResponse.SERVING


class ProbeSettings(Settings):
    grpc_port: int | None = None
    http_port: int | None = None
    bootstrap_api_key: str = ""

    @property
    def own(self) -> list[str]:
        if self.http_port:
            return [f"http://127.0.0.1:{self.http_port}/readyz"]
        return [f"127.0.0.1:{self.grpc_port}"]


async def wrong(target: str, *, name: str = "", api_key: str = "") -> str:
    """What is wrong with `target`; nothing when it serves."""
    try:
        if "://" in target:
            await asyncio.to_thread(_get, target, api_key)
            return ""
        options = [("grpc.ssl_target_name_override", name)] if name else []
        async with tls.connect(target, options=options) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
        return "" if answer.status == SERVING else "not serving"
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name} {error.details()}"
    except (URLError, OSError) as error:
        return str(error)


def _get(url: str, api_key: str) -> None:
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT):
        """Anything but success raises."""


async def main(targets: list[str], name: str, settings: ProbeSettings) -> int:
    targets = targets or settings.own
    found = [await wrong(target, name=name, api_key=settings.bootstrap_api_key) for target in targets]
    for target, problem in zip(targets, found, strict=True):
        if problem:
            sys.stderr.write(f"{target}: {problem}\n")
    return int(any(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m meshkit.probe", description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--name", default="")
    asked = parser.parse_args()
    told = load(ProbeSettings)
    tls.set_up(told)
    raise SystemExit(asyncio.run(main(asked.targets, asked.name, told)))
