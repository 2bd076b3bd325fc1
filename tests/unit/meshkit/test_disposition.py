"""File names as headers may have them."""

from __future__ import annotations

import pytest

from meshkit.disposition import attachment, inline


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("match.mp4", 'attachment; filename="match.mp4"'),
        ("a b.mp4", 'attachment; filename="a b.mp4"'),
        ("100%.mp4", "attachment; filename=\"100_.mp4\"; filename*=UTF-8''100%25.mp4"),
        ("../../etc/passwd", 'attachment; filename="_.._etc_passwd"'),
        ("a\r\nSet-Cookie: b", "attachment; filename=\"a__Set-Cookie_ b\"; filename*=UTF-8''a__Set-Cookie%3A%20b"),
        ("日本.mp4", "attachment; filename=\"__.mp4\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.mp4"),
        ("\u202egpj.exe", 'attachment; filename="_gpj.exe"'),
        (" . ", 'attachment; filename="file"'),
    ],
)
def test_a_name_is_only_a_name(name: str, header: str) -> None:
    assert attachment(name) == header
    assert inline(name) == header.replace("attachment", "inline", 1)
    assert header.isascii()
