"""What a user's file is given out as."""

from __future__ import annotations

import pytest

from services.gateway.media_types import OCTETS, safe


@pytest.mark.parametrize(
    ("content_type", "file_name", "given"),
    [
        ("video/mp4", "a", "video/mp4"),
        ("Image/PNG; charset=x", "a.html", "image/png"),
        ("", "a.MOV", "video/quicktime"),
        ("text/html", "a.webm", "video/webm"),
        ("text/html", "a.html", OCTETS),
        ("image/svg+xml", "a.svg", OCTETS),
        ("application/xhtml+xml", "a", OCTETS),
        ("video/x-evil", "", OCTETS),
    ],
)
def test_nothing_that_a_browser_runs(content_type: str, file_name: str, given: str) -> None:
    assert safe(content_type, file_name) == given
