"""Every object of the chart is what its API takes, whatever the values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import kubernetes_validate
import pytest
from helm_python.chart import lint

from tests.unit.deploy.crds import SPECS
from tests.unit.deploy.rendered import CHART, EXAMPLES, REPOSITORY, rendered, values_of

if TYPE_CHECKING:
    from tests.unit.deploy.rendered import Object

NAMES = [path.stem for path in EXAMPLES]


def test_every_object_is_one_that_kubernetes_takes() -> None:
    everything = {json.dumps(each, sort_keys=True): each for name in NAMES for each in rendered(name).objects}
    for each in everything.values():
        _check(each, "1.37")
        assert len(each["metadata"]["name"]) < 64
        assert each["metadata"]["name"].replace("-", "").isalnum()


def test_the_oldest_kubernetes_takes_every_kind() -> None:
    for each in {each["kind"]: each for each in rendered("large").objects}.values():
        _check(each, "1.30")


@pytest.mark.parametrize("example", NAMES)
def test_no_object_comes_twice(example: str) -> None:
    made = [(each["kind"], each["metadata"]["name"]) for each in rendered(example).objects]
    assert len(made) == len(set(made))


@pytest.mark.parametrize("example", NAMES)
def test_helm_finds_nothing_to_say(example: str) -> None:
    said = lint(CHART, values_of(example))
    assert not said["errors"]
    assert [each["error"] for each in said["messages"] if each["severity"] > 1] == []


def test_every_custom_kind_is_checked_here() -> None:
    made = {(each["apiVersion"], each["kind"]) for name in NAMES for each in rendered(name).objects}
    custom = {
        (version, kind) for version, kind in made if "." in version and not version.split("/")[0].endswith("k8s.io")
    }
    assert custom - {("networking.k8s.io/v1", "NetworkPolicy")} <= set(SPECS)


def test_dashboards_and_rules_are_those_of_the_repository() -> None:
    everything = rendered("large")
    shown = {name: text for each in everything.of("ConfigMap").values() for name, text in each["data"].items()}
    assert shown == {path.name: path.read_text() for path in REPOSITORY.glob("deploy/grafana/dashboards/*.json")}
    assert len(everything.of("PrometheusRule")) == len([*REPOSITORY.glob("deploy/prometheus/rules/*.yaml")])


def _check(each: Object, version: str) -> None:
    if schema := SPECS.get((each["apiVersion"], each["kind"])):
        jsonschema.validate(each["spec"], schema)
    else:
        kubernetes_validate.validate(each, version, strict=True)
