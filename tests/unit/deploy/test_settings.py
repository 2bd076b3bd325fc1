"""What the compose file and the chart tell each process is what it reads: nothing that it needs is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from meshkit.settings import S3Settings, Settings
from tests.unit.deploy.programs import JOBS, SERVICES
from tests.unit.deploy.rendered import EXAMPLES, REPOSITORY, rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_BY_OTHERS = re.compile(r"OTEL_|HOME$|\w+_DATABASE_URL_PASSWORD$|DATABASE_URL_PASSWORD$")
"""OpenTelemetry's own, the shell's, and what stands in another variable."""
LEFT_OUT_OF_COMPOSE = {
    *("GRPC_TLS_CERT", "GRPC_TLS_KEY", "GRPC_TLS_CA"),  # its networks are of one machine
    *("NATS_REPLICAS", "WORKER_CPU", "FFMPEG_PATH"),  # one server, no core of its own, the one of its image
    *("FETCH_LOOPBACK", "WEBHOOK_ALLOW_LOOPBACK"),  # within a container there is nobody but itself
}
DOCUMENT = (REPOSITORY / "docs/operations.md").read_text()


def in_compose() -> Iterator[tuple[str, str, dict[str, str | None]]]:
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    for name, each in services.items():
        module = each.get("command", [""])[0]
        if module in SERVICES | JOBS:
            yield f"compose: {name}", module, each["environment"]


def in_the_chart() -> Iterator[tuple[str, str, dict[str, str | None]]]:
    for example in (path.stem for path in EXAMPLES):
        for name, pod in rendered(example).pods:
            (container,) = pod["containers"]
            yield f"{example}: {name}", container["args"][0], {each["name"]: "given" for each in container["env"]}


TOLD = [*in_compose(), *in_the_chart()]
NAMES = [name for name, _, _ in TOLD]


def read_by(module: str) -> set[str]:
    return {name.upper() for name in (SERVICES | JOBS)[module].model_fields}


def needed_by(module: str) -> set[str]:
    return {name.upper() for name, field in (SERVICES | JOBS)[module].model_fields.items() if field.is_required()}


def test_every_process_is_looked_at() -> None:
    assert {module for _, module, _ in in_compose()} == set(SERVICES) | {"meshkit.prepare", "meshkit.bucket"}
    assert {module for _, module, _ in in_the_chart()} == set(SERVICES) | {"meshkit.prepare", "meshkit.probe"}


@pytest.mark.parametrize(("_", "module", "told"), TOLD, ids=NAMES)
def test_a_process_is_told_what_it_needs_and_nothing_that_it_does_not_read(
    _: str, module: str, told: dict[str, str | None]
) -> None:
    assert needed_by(module) <= {name for name, value in told.items() if value is not None}
    assert not {name for name in told if not READ_BY_OTHERS.match(name)} - read_by(module)


@pytest.mark.parametrize(("_", "module", "told"), [each for each in in_compose() if each[1] in SERVICES])
def test_every_setting_can_be_said_in_the_env_file(_: str, module: str, told: dict[str, str | None]) -> None:
    """What stands in the compose file without a value is handed on from `.env`, where it is there."""
    assert read_by(module) - set(told) <= LEFT_OUT_OF_COMPOSE


@pytest.mark.parametrize("module", SERVICES)
def test_every_setting_is_in_the_document(module: str) -> None:
    missing = {name for name in read_by(module) if not re.search(rf"`{name}\b", DOCUMENT)}
    assert not missing
    row = re.search(rf"^\| `{re.escape(module)}` \| (.*) \|$", DOCUMENT, re.MULTILINE)
    assert row
    said = set(re.findall(r"`(\w+)`", row[1]))
    store = {name.upper() for name in S3Settings.model_fields} - {name.upper() for name in Settings.model_fields}
    assert needed_by(module) <= said | (store if "S3" in row[1] else set())
    assert said <= read_by(module)
