"""What each service is told: its own database, everyone's address, and no more keys than it needs."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.home import Home
from local.infra import Infra
from local.services import Plan, plan


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    infra = Infra(
        database_admin_url="postgresql://admin:pw@127.0.0.1:5432/reelmesh",
        nats_url="nats://127.0.0.1:4222",
        s3_endpoint_url="http://127.0.0.1:8333",
        s3_access_key_id="id",
        s3_secret_access_key="secret",
        s3_bucket="reelmesh",
        ffmpeg="/usr/bin/ffmpeg",
    )
    return plan(Home(tmp_path), infra, workers=2, env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"})


def environments(planned: Plan) -> dict[str, dict[str, str]]:
    return {service.name: dict(planned.program(service).env) for service in planned.services}


def test_each_service_has_its_own_role_and_port(planned: Plan) -> None:
    told = environments(planned)
    roles = {name: urlsplit(env["DATABASE_URL"]).username for name, env in told.items() if "DATABASE_URL" in env}
    assert roles == {
        "identity": "reelmesh_identity",
        "upload": "reelmesh_upload",
        "metadata": "reelmesh_metadata",
        "scheduler": "reelmesh_transcode",
        "notify": "reelmesh_notify",
    }
    ports = [env.get("GRPC_PORT") or env["HTTP_PORT"] for env in told.values()]
    assert len(set(ports)) == len(ports) == 8


def test_everyone_finds_the_others(planned: Plan) -> None:
    told = environments(planned)
    for env in told.values():
        assert env["TRANSCODE_ADDR"] == f"127.0.0.1:{told['scheduler']['GRPC_PORT']}"
        assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector"
    assert told["gateway"]["PUBLIC_URL"] == planned.url


def test_keys_match_and_go_only_where_they_are_needed(planned: Plan) -> None:
    told = environments(planned)
    keys = json.loads(told["identity"]["SERVICE_KEYS"])
    assert told["gateway"]["SERVICE_KEY"] == keys["gateway"]
    assert told["worker-1"]["SERVICE_KEY"] == told["worker-2"]["SERVICE_KEY"] == keys["transcode-worker"]
    assert told["notify"]["SERVICE_KEY"] == keys["notify"]
    assert told["identity"]["BOOTSTRAP_API_KEY"] == planned.api_key
    assert planned.api_key.startswith("rmk_")
    assert len(planned.api_key) == 47
    assert {name for name, env in told.items() if "BOOTSTRAP_API_KEY" in env} == {"identity"}
    assert {name for name, env in told.items() if "SERVICE_KEY" in env} == {"gateway", "notify", "worker-1", "worker-2"}


def test_each_worker_has_a_scratch_folder_of_its_own(planned: Plan) -> None:
    told = environments(planned)
    assert told["worker-1"]["SCRATCH_DIR"] != told["worker-2"]["SCRATCH_DIR"]
    assert told["worker-1"]["FFMPEG_PATH"] == "/usr/bin/ffmpeg"
