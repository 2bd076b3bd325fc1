"""Alerts and dashboards are whole: they parse, ask for metrics of the list, and each alert has a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from meshkit import instruments
from meshkit.topology import STREAMS
from tests.queries import asked, dashboards, rules

DOCS = Path(__file__).resolve().parents[3] / "docs"
STANDARD = re.compile(r"process_")


def test_every_expression_is_promql_and_asks_for_something() -> None:
    assert len(asked()) > 40
    assert not [query for query in asked() if not query.names]


def test_every_metric_is_of_the_list() -> None:
    page = (DOCS / "telemetry.md").read_text()
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for query in asked() for name in query.names}
    assert not {name for name in names if f"`{name}`" not in page and not STANDARD.match(name)}


def test_every_metric_of_ours_is_on_a_dashboard() -> None:
    shown = " ".join(query.text for query in asked() if query.file != "rules").replace("_", ".")
    assert not [each.name for each in instruments.ALL if each.name.replace("_", ".") not in shown]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    runbook = DOCS.parent / rule["annotations"]["runbook"]
    page = runbook.read_text()
    assert f"`{rule['alert']}`" in page
    assert {"## What it means", "## Look", "## Do"} <= set(page.splitlines())


def test_every_page_belongs_to_an_alert() -> None:
    told = {Path(rule["annotations"]["runbook"]).name for rule in rules()}
    assert {path.name for path in (DOCS / "runbooks").glob("*.md")} == told


def test_streams_in_alerts_are_streams() -> None:
    named = {name for query in asked() for name in re.findall(r'stream!?="(\w+)"', query.text)}
    assert named <= set(STREAMS)


def test_dashboards_can_be_provisioned() -> None:
    boards = dashboards()
    assert set(boards) == {"mesh.json", "transcode.json", "uploads.json", "notify.json"}
    assert len({board["uid"] for board in boards.values()}) == len(boards)
    for board in boards.values():
        assert all(panel["datasource"]["uid"] == "${datasource}" for panel in board["panels"])
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
