"""What of a request is written down."""

from __future__ import annotations

import pytest

from services.gateway.access import shown


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/v1/assets/a", "/v1/assets/a"),
        ("/play/a.b.c/720p/1.m4s", "/play/…/720p/1.m4s"),
        ("/play/a.b.c", "/play/…"),
        ("/embed/a.b.c", "/embed/…"),
        ("/player", "/player"),
    ],
)
def test_playback_tokens_are_not(path: str, written: str) -> None:
    assert shown(path) == written
