"""Content-Disposition (RFC 6266): a user's file name, without what it could do to a header or a folder."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

_PLAIN = "!#$&+-.^_`|~"
"""What RFC 8187 leaves as it is, besides letters and digits."""
_UNSAFE = frozenset('"\\%/:*?<>|')


def attachment(file_name: str) -> str:
    """To be saved under that name."""
    return f"attachment{_named(file_name)}"


def inline(file_name: str) -> str:
    """To be shown; saved under that name where somebody wants to."""
    return f"inline{_named(file_name)}"


def _named(file_name: str) -> str:
    """The name, and for those who know no other a plain one beside it."""
    name = "".join("_" if unicodedata.category(each)[0] == "C" or each in "/\\" else each for each in file_name)
    name = name.strip(" .") or "file"
    plain = "".join(each if each.isascii() and each not in _UNSAFE else "_" for each in name)
    extended = f"; filename*=UTF-8''{quote(name, safe=_PLAIN)}" if plain != name else ""
    return f'; filename="{plain}"{extended}'
