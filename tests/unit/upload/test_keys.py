"""Where sources lie in the bucket."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.upload.keys import Layout, checked

ATHLETES = "athletes/{label.athlete_id}/{yyyy}/{mm}"


def key(layout: Layout, **labels: str) -> str:
    return layout.key(tenant_id="t1", asset_id="a1", labels=labels, at=datetime(2026, 3, 9, tzinfo=UTC))


def test_without_a_template_a_source_lies_by_its_asset() -> None:
    assert key(Layout()) == "assets/a1/source"
    assert key(Layout(template=ATHLETES, tenants={"t1": ""})) == "assets/a1/source"


@pytest.mark.parametrize(
    ("athlete", "folder"),
    [
        ("7", "7"),
        ("../../x", "_x"),
        ("..", "_"),
        ("Müller/Ö", "M_ller_"),
        ("", "none"),
        ("{yyyy}", "_yyyy_"),
        ("9" * 255, "9" * 64),
    ],
)
def test_a_label_is_a_folder_and_nothing_more(athlete: str, folder: str) -> None:
    made = key(Layout(tenants={"t1": ATHLETES}), athlete_id=athlete)
    assert made == f"athletes/{folder}/2026/03/a1/source"


def test_what_there_is_not_is_said_so() -> None:
    assert key(Layout(template="{label.club}-{dd}")) == "none-09/a1/source"


def test_no_label_leads_to_what_is_cleared_away() -> None:
    assert key(Layout(template="{label.club}/x"), club="tmp") == "_tmp/x/a1/source"


@pytest.mark.parametrize("template", ["", ATHLETES, "a-{label.x.y}_b/{dd}"])
def test_a_good_template_is_taken(template: str) -> None:
    assert checked(template) == template


@pytest.mark.parametrize(
    "template",
    ["/a", "a/", "a//b", "../a", "a/./b", "{file_name}", "{label.}", "a b", "ö", "a" * 256],
)
def test_a_bad_template_ends_the_start(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        checked(template)
