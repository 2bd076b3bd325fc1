"""What dashboards and alerts ask of Prometheus: every expression in deploy/, parsed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import promql_parser
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
_BY_GRAFANA = {"$__rate_interval": "5m", "$__interval": "1m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    file: str
    text: str
    names: frozenset[str]
    """Series that it asks for."""
    labels: frozenset[str]
    """Labels that it names."""


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    found = (yaml.safe_load(path.read_text()) for path in sorted(DEPLOY.glob("prometheus/rules/*.yaml")))
    return [rule for each in found for group in each["groups"] for rule in group["rules"]]


def dashboards() -> dict[str, dict[str, Any]]:
    """By file name."""
    return {path.name: json.loads(path.read_text()) for path in sorted(DEPLOY.glob("grafana/dashboards/*.json"))}


def asked() -> list[Query]:
    """Raises ValueError for what is no PromQL."""
    texts = [("rules", rule["expr"]) for rule in rules()]
    texts += [
        (name, target["expr"]) for name, each in dashboards().items() for p in each["panels"] for target in p["targets"]
    ]
    return [_query(file, text) for file, text in texts]


def _query(file: str, text: str) -> Query:
    plain = text
    for variable, value in _BY_GRAFANA.items():
        plain = plain.replace(variable, value)
    names, labels = set(), set()
    for node in _nodes(promql_parser.parse(plain)):
        if isinstance(node, promql_parser.VectorSelector):
            names.add(str(node.name))
            labels |= {matcher.name for matcher in node.matchers.matchers}
        elif isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            labels |= set(node.modifier.labels)
        elif isinstance(node, promql_parser.BinaryExpr) and node.modifier and node.modifier.matching:
            labels |= set(node.modifier.matching.labels)
    return Query(file=file, text=text, names=frozenset(names), labels=frozenset(labels))


def _nodes(expression: Any) -> Iterator[Any]:
    nodes: list[Any] = []
    promql_parser.walk(expression, pre_visit=nodes.append)
    return iter(nodes)
