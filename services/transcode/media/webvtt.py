"""WebVTT, and what a line of an ASS script says in it: every decoder of subtitles gives such lines.

Whatever the text is, it stays text: players get no markup but bold, italic and underlined.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

_MPEG_CLOCK = 90_000
_STYLES = "biu"
# An escape, or a block of overrides. Only in a script is any other text in braces a comment.
_SCRIPT = re.compile(r"\\([Nnh{}])|\{([^{}]*)\}")
_TEXT = re.compile(r"\\([Nnh{}])|\{(\\[^{}]*|)\}")
_OVERRIDE = re.compile(r"\\(?:(b|i|u|p|an)(\d*)(?=\\|\s|$)|(r))")
_ESCAPED = {"N": "\n", "n": "\n", "h": "\N{NO-BREAK SPACE}"}
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}]")
_AT_THE_TOP = ("7", "8", "9")
# Characters of a cue: nobody reads more, and a bomb is no longer than that.
_LONGEST = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """`start` and `end` in seconds of the stream; `text` is escaped, and `top` where it is not to be at the bottom."""

    start: Fraction
    end: Fraction
    text: str
    top: bool = False


def webvtt(cues: Iterable[Cue], *, delay: Fraction) -> str:
    """The file. The segments of its stream are shown `delay` seconds later than by the cues' times (RFC 8216, 3.5)."""
    lines = ["WEBVTT", f"X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{round(delay * _MPEG_CLOCK)}", ""]
    # Each once: scripts draw the same line several times, as its outline and its shadow.
    for cue in sorted(dict.fromkeys(cues), key=lambda cue: (cue.start, cue.end)):
        lines += [f"{clock(cue.start)} --> {clock(cue.end)}{' line:0' if cue.top else ''}", cue.text, ""]
    return "\n".join(lines)


def clock(time: Fraction) -> str:
    milliseconds = round(time * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def cue_text(dialogue: str, *, script: bool) -> tuple[str, bool]:
    """What there is to read, as WebVTT, and whether at the top; empty where there is nothing.

    `script` is whether it was written as ASS, and not only made of other text.
    """
    dialogue = _INVISIBLE.sub("", dialogue[:_LONGEST].replace("\r\n", "\n").replace("\r", "\n")).replace("\n", r"\N")
    style: set[str] = set()
    shown, at, drawing, top = [], 0, False, False
    for found in (_SCRIPT if script else _TEXT).finditer(dialogue + r"\N"):
        if not drawing:
            shown.append(_styled(dialogue[at : found.start()], style))
            shown.append(_ESCAPED.get(found[1] or "", found[1] or ""))
        at = found.end()
        for name, value, reset in _OVERRIDE.findall(found[2] or ""):
            if reset:
                style.clear()
            elif name in _STYLES:
                (style.add if value.strip("0") else style.discard)(name)
            elif name == "p":
                drawing = bool(value.strip("0"))
            else:
                top = value in _AT_THE_TOP
    # An empty line would end the cue.
    lines = [line.strip() for line in "".join(shown).split("\n")]
    return "\n".join(line for line in lines if line), top


def _styled(text: str, style: set[str]) -> str:
    escaped = text.translate(_ENTITIES)
    names = [name for name in _STYLES if name in style and escaped.strip()]
    return "".join(f"<{name}>" for name in names) + escaped + "".join(f"</{name}>" for name in reversed(names))
