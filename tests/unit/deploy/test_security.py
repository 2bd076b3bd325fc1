"""What a pod of the chart may do, and whom it may speak to."""

from __future__ import annotations

import json

import pytest

from tests.unit.deploy.rendered import EXAMPLES, Object, Rendered, rendered

NAMES = [path.stem for path in EXAMPLES]
SERVICES = ("identity", "upload", "metadata", "scheduler", "notify", "gateway", "worker")
GRPC, HTTP = 50051, 8080
REPORTS = ("identity", "scheduler")
"""Whom a worker calls: where it gets its token, and where it gets its tasks."""


@pytest.mark.parametrize("example", NAMES)
def test_every_pod_keeps_to_the_restricted_standard(example: str) -> None:
    for name, pod in rendered(example).pods:
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all(set(volume) - {"name"} <= {"emptyDir", "secret"} for volume in pod["volumes"])
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@pytest.mark.parametrize("example", NAMES)
def test_no_pod_has_a_token_of_the_cluster_or_variables_of_its_neighbours(example: str) -> None:
    for _, pod in rendered(example).pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
    assert all(
        each["automountServiceAccountToken"] is False for each in rendered(example).of("ServiceAccount").values()
    )


@pytest.mark.parametrize("example", NAMES)
def test_every_container_is_bounded(example: str) -> None:
    for _, pod in rendered(example).pods:
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
        assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume)


def test_secrets_come_from_secrets_that_are_there() -> None:
    for example in NAMES:
        assert rendered(example).of("Secret") == {}
    for service in SERVICES:
        for name, value in rendered("r2").env(service).items():
            secret = any(word in name for word in ("KEY", "DATABASE_URL", "NATS_URL"))
            assert isinstance(value, dict) == secret, name


def test_the_database_of_this_release_gets_its_password_from_a_secret() -> None:
    env = rendered("small").env("upload")
    assert env["DATABASE_URL_PASSWORD"] == {"secretKeyRef": {"name": "reelmesh-database-upload", "key": "password"}}
    at = "video-reelmesh-postgres-rw:5432/reelmesh"
    assert env["DATABASE_URL"] == f"postgresql://reelmesh_upload:$(DATABASE_URL_PASSWORD)@{at}"
    names = [each["name"] for each in rendered("small").container("upload")["env"]]
    assert names.index("DATABASE_URL_PASSWORD") < names.index("DATABASE_URL")


@pytest.mark.parametrize("example", NAMES)
def test_nothing_comes_or_goes_that_is_not_named(example: str) -> None:
    policies = rendered(example).of("NetworkPolicy")
    deny = policies.pop("default-deny")["spec"]
    assert set(deny) == {"podSelector", "policyTypes"}
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert set(policies) == {*SERVICES, "migrate", "test"}


def test_a_worker_reaches_nats_the_store_and_whom_it_reports_to_alone() -> None:
    spec = rendered("r2").of("NetworkPolicy")["worker"]["spec"]
    assert not spec["ingress"]
    assert _called(spec) == {(service, GRPC) for service in REPORTS}
    outside = [port["port"] for rule in spec["egress"] for port in rule["ports"] if not _components(rule.get("to", []))]
    assert sorted(outside) == [53, 53, 443, 4222]


def test_whoever_is_called_lets_its_callers_in_and_nobody_else() -> None:
    policies = rendered("r2").of("NetworkPolicy")
    for service in set(SERVICES) - {"gateway"}:
        callers = {name for name, each in policies.items() if (service, GRPC) in _called(each["spec"])}
        admitted = [
            component for rule in policies[service]["spec"]["ingress"] for component in _components(rule["from"])
        ]
        assert set(admitted) == callers, service


def test_the_gateway_can_be_kept_to_those_in_front_of_it() -> None:
    (open_door,) = rendered("r2").of("NetworkPolicy")["gateway"]["spec"]["ingress"]
    assert open_door == {"ports": [{"protocol": "TCP", "port": HTTP}]}
    door = rendered("large").of("NetworkPolicy")["gateway"]["spec"]["ingress"][0]
    assert door["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "gateways"}
    assert _components(door["from"]) == ["test"]


def test_only_those_who_call_strangers_reach_the_internet_and_never_the_inside() -> None:
    policies = rendered("r2").of("NetworkPolicy")
    free = {
        name: each
        for name, each in policies.items()
        for rule in each["spec"].get("egress", [])
        if rule.get("ports") == []
    }
    assert set(free) == {"upload", "notify"}
    for each in free.values():
        (rule,) = [rule for rule in each["spec"]["egress"] if rule["ports"] == []]
        assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"} <= set(rule["to"][0]["ipBlock"]["except"])


def test_with_certificates_every_port_speaks_tls_and_is_asked_so() -> None:
    mesh = rendered("large")
    for service in SERVICES:
        env, container = mesh.env(service), mesh.container(service)
        mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert all(env[name].startswith(mounted["tls"]) for name in ("GRPC_TLS_CERT", "GRPC_TLS_KEY", "GRPC_TLS_CA"))
        if service != "gateway":
            assert container["livenessProbe"]["exec"]["command"][:3] == ["python", "-m", "meshkit.probe"]
            assert container["readinessProbe"]["periodSeconds"] == 15


@pytest.mark.parametrize("example", NAMES)
def test_addresses_lead_to_services_that_are_there(example: str) -> None:
    mesh = rendered(example)
    for service in SERVICES:
        for name, value in mesh.env(service).items():
            if name.endswith("_ADDR"):
                host, port = value.split(":")
                target = mesh.of("Service")[host.split(".")[0].removeprefix("video-reelmesh-")]["spec"]
                assert target["clusterIP"] == "None"
                assert {"grpc": int(port)}.items() <= {each["name"]: each["port"] for each in target["ports"]}.items()


def test_metrics_are_for_whoever_may_watch() -> None:
    assert all(9464 not in _admitted(each["spec"]) for each in rendered("r2").of("NetworkPolicy").values())
    large = rendered("large")
    assert {name for name, each in large.of("NetworkPolicy").items() if 9464 in _admitted(each["spec"])} == set(
        SERVICES
    )
    (monitor,) = large.of("ServiceMonitor").values()
    for each in large.of("Service").values():
        assert monitor["spec"]["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
        assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in each["spec"]["ports"]}
    assert all(large.env(service)["METRICS_PORT"] == "9464" for service in SERVICES)


def test_a_part_of_the_traces_goes_where_the_values_say() -> None:
    env = rendered("large").env("gateway")
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"].endswith(":4317")
    assert (env["OTEL_TRACES_SAMPLER"], env["OTEL_TRACES_SAMPLER_ARG"]) == ("parentbased_traceidratio", "0.01")
    assert not {name for name in rendered("r2").env("gateway") if name.startswith("OTEL_")}


def test_json_settings_are_json() -> None:
    assert json.loads(rendered("r2").env("gateway")["TRUSTED_PROXIES"]) == ["10.0.0.0/8"]


def _called(spec: Object) -> set[tuple[str, int]]:
    return {
        (component, port["port"])
        for rule in spec.get("egress", [])
        for component in _components(rule.get("to", []))
        for port in rule["ports"]
    }


def _admitted(spec: Object) -> set[int]:
    return {port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]}


def _components(peers: list[Object]) -> list[str]:
    labels = [peer["podSelector"]["matchLabels"] for peer in peers if "podSelector" in peer]
    return [each["app.kubernetes.io/component"] for each in labels if "app.kubernetes.io/component" in each]


def test_what_is_looked_at_here_is_all_there_is() -> None:
    mesh: Rendered = rendered("r2")
    assert set(mesh.of("Deployment")) == set(SERVICES)
