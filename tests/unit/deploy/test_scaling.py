"""How the chart's pods grow, shrink, move and end."""

from __future__ import annotations

import pytest

from meshkit.grpc.server import DRAIN
from meshkit.migrate import SERVICES as SCHEMAS
from meshkit.prepare import PrepareSettings
from meshkit.run import CANCEL_AGAIN
from meshkit.topology import WORKERS
from tests.unit.deploy.rendered import EXAMPLES, render, rendered, values_of

NAMES = [path.stem for path in EXAMPLES]
GIB = 2**30


def test_workers_follow_the_work_queue_down_to_none() -> None:
    spec = rendered("r2").of("ScaledObject")["worker"]["spec"]
    assert spec["scaleTargetRef"]["name"] == "video-reelmesh-worker"
    assert spec["minReplicaCount"] == 0
    (trigger,) = spec["triggers"]
    assert trigger["type"] == "nats-jetstream"
    assert (trigger["metadata"]["stream"], trigger["metadata"]["consumer"]) == (WORKERS.stream, WORKERS.name)
    # One pod is one slot, and the lag counts what runs: a pod for each task, and the last goes when none is left.
    assert trigger["metadata"]["lagThreshold"] == "1"
    assert rendered("r2").env("worker")["WORKER_SLOTS"] == "1"


def test_who_scales_a_deployment_alone_says_how_many() -> None:
    large = rendered("large")
    for name, each in large.of("Deployment").items():
        scaled = name in large.of("ScaledObject") or name in large.of("HorizontalPodAutoscaler")
        assert ("replicas" in each["spec"]) is not scaled, name


def test_without_keda_the_number_stays() -> None:
    small = rendered("small")
    assert small.of("ScaledObject") == {}
    assert small.of("Deployment")["worker"]["spec"]["replicas"] == 2


def test_a_worker_that_is_told_to_go_has_time_to_hand_its_chunk_back() -> None:
    pod = rendered("r2").of("Deployment")["worker"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > CANCEL_AGAIN + DRAIN
    # On a spot node every second before that is lost.
    assert "lifecycle" not in pod["containers"][0]


@pytest.mark.parametrize("service", ["identity", "upload", "metadata", "scheduler", "notify", "gateway"])
def test_a_service_drains_within_its_grace(service: str) -> None:
    pod = rendered("r2").of("Deployment")[service]["spec"]["template"]["spec"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > sleep + DRAIN + CANCEL_AGAIN
    assert rendered("r2").of("Deployment")[service]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_scratch_is_bounded_above_what_the_worker_keeps_there() -> None:
    mesh = rendered("r2")
    (scratch,) = [
        volume["emptyDir"]
        for volume in mesh.of("Deployment")["worker"]["spec"]["template"]["spec"]["volumes"]
        if volume["name"] == "scratch"
    ]
    limits = mesh.container("worker")["resources"]["limits"]
    assert int(mesh.env("worker")["SCRATCH_BYTES"]) < _gib(scratch["sizeLimit"]) < _gib(limits["ephemeral-storage"])
    mounts = {mount["name"]: mount["mountPath"] for mount in mesh.container("worker")["volumeMounts"]}
    assert mesh.env("worker")["SCRATCH_DIR"] == mounts["scratch"]


@pytest.mark.parametrize("example", NAMES)
def test_every_service_outlives_a_node_that_goes(example: str) -> None:
    mesh = rendered(example)
    for name, each in mesh.of("Deployment").items():
        labels = each["spec"]["template"]["metadata"]["labels"]
        selector = each["spec"]["selector"]["matchLabels"]
        assert selector.items() <= labels.items()
        assert mesh.of("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == selector
        spread = each["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert {each["topologyKey"] for each in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


def test_grpc_is_asked_by_grpc() -> None:
    for name, each in rendered("r2").of("Deployment").items():
        container = each["spec"]["template"]["spec"]["containers"][0]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert ("grpc" in container[probe]) is (name != "gateway")
        # A neighbour that is away is no reason to take the gateway from those who need another.
        if name == "gateway":
            assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"


@pytest.mark.parametrize(("example", "hook"), [("r2", "pre-install,pre-upgrade"), ("small", None)])
def test_schemas_are_newest_before_the_services_need_them(example: str, hook: str | None) -> None:
    (job,) = rendered(example).of("Job").values()
    assert job["metadata"].get("annotations", {}).get("helm.sh/hook") == hook
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["meshkit.prepare"]
    told = {each["name"].lower() for each in container["env"]}
    assert {name for name, field in PrepareSettings.model_fields.items() if field.is_required()} <= told


def test_roles_and_schemas_are_made_by_an_admin_where_asked() -> None:
    values = values_of("r2") | {"migrations": {"provision": True}}
    (job,) = render(values).of("Job").values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert {
        "name": "ADMIN_DATABASE_URL",
        "valueFrom": {"secretKeyRef": {"name": "reelmesh-database", "key": "admin"}},
    } in (container["env"])


def test_a_cluster_of_the_release_has_every_role_and_schema() -> None:
    spec = rendered("small").of("Cluster")["postgres"]["spec"]
    assert {role["name"] for role in spec["managed"]["roles"]} == {f"reelmesh_{schema}" for schema in SCHEMAS}
    made = spec["bootstrap"]["initdb"]["postInitApplicationSQL"]
    assert all(f"CREATE SCHEMA {schema} AUTHORIZATION reelmesh_{schema}" in made for schema in SCHEMAS)


def test_streams_are_kept_by_as_many_servers_as_are_said() -> None:
    assert {rendered("large").env(name)["NATS_REPLICAS"] for name in ("identity", "scheduler", "worker")} == {"3"}


def test_a_route_lets_large_files_and_endless_events_through() -> None:
    (route,) = rendered("r2").of("HTTPRoute").values()
    assert route["spec"]["rules"][0]["timeouts"] == {"request": "0s"}
    (ingress,) = rendered("small").of("Ingress").values()
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == "0"


def _gib(quantity: str) -> float:
    assert quantity.endswith("Gi")
    return float(quantity.removesuffix("Gi")) * GIB
