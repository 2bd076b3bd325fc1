"""What `helm install` says at its end is so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.deploy.rendered import EXAMPLES, render, rendered, values_of

NAMES = [path.stem for path in EXAMPLES]
NONE_WHEN_IDLE = "None run while there is none."
ONE_ADDRESS = "All clients have one address"


@pytest.mark.parametrize("example", NAMES)
def test_the_notes_have_no_holes_and_lead_to_the_api(example: str) -> None:
    notes = rendered(example).notes
    assert "<no value>" not in notes
    assert f"{values_of(example)['publicUrl']}/docs" in notes
    assert "helm -n media test video" in notes


def test_workers_go_to_none_only_where_they_may() -> None:
    assert NONE_WHEN_IDLE in rendered("r2").notes
    assert NONE_WHEN_IDLE not in rendered("large").notes
    assert "Workers: 2. Without KEDA" in rendered("small").notes


@pytest.mark.parametrize("example", NAMES)
def test_every_example_says_whose_word_on_addresses_counts(example: str) -> None:
    assert "TRUSTED_PROXIES" in rendered(example).env("gateway")
    assert ONE_ADDRESS not in rendered(example).notes


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"services": {}}, True),
        ({"services": {}, "env": {"TRUSTED_PROXIES": '["10.0.0.0/8"]'}}, False),
        ({"services": {}, "httpRoute": {"enabled": False}}, False),
    ],
)
def test_a_route_without_trusted_proxies_is_told(more: dict[str, Any], told: bool) -> None:
    notes = render(values_of("r2") | more).notes
    assert (ONE_ADDRESS in notes) is told
    assert ("Nothing leads to the gateway" in notes) is ("httpRoute" in more)


def test_plain_text_is_told() -> None:
    assert "secrets.tls" in rendered("r2").notes
    assert "secrets.tls" not in rendered("large").notes
