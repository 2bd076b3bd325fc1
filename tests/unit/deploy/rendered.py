"""The chart, rendered offline, as objects to look into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from helm_python.chart import Chart

REPOSITORY = Path(__file__).resolve().parents[3]
CHART = REPOSITORY / "deploy" / "helm" / "reelmesh"
EXAMPLES = sorted(CHART.glob("examples/*.yaml"))

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    objects: list[Object]
    notes: str

    def of(self, kind: str) -> dict[str, Object]:
        """By the last part of their names: `gateway`, `worker`, `default-deny`."""
        prefix = "video-reelmesh-"
        return {each["metadata"]["name"].removeprefix(prefix): each for each in self.objects if each["kind"] == kind}

    def container(self, service: str) -> Object:
        (container,) = self.of("Deployment")[service]["spec"]["template"]["spec"]["containers"]
        return dict(container)

    def env(self, service: str) -> dict[str, Any]:
        return {each["name"]: each.get("value", each.get("valueFrom")) for each in self.container(service)["env"]}

    @property
    def pods(self) -> list[tuple[str, Object]]:
        """Every pod that this makes, with a name to tell them apart."""
        templates = [each for each in self.objects if each["kind"] in {"Deployment", "Job"}]
        bare = [(each["metadata"]["name"], each["spec"]) for each in self.objects if each["kind"] == "Pod"]
        return [(each["metadata"]["name"], each["spec"]["template"]["spec"]) for each in templates] + bare


def values_of(example: str) -> Object:
    return dict(yaml.safe_load((CHART / "examples" / f"{example}.yaml").read_text()))


def render(values: Object) -> Rendered:
    with Chart.load(CHART) as chart:
        chart.validate_schema(values)
        files = chart.render(values, name="video", namespace="media")
    (notes,) = [path for path in files if path.endswith("NOTES.txt")]
    said = files.pop(notes)
    return Rendered([each for text in files.values() for each in yaml.load_all(text, yaml.CSafeLoader) if each], said)


@cache
def rendered(example: str) -> Rendered:
    return render(values_of(example))
