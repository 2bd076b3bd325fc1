"""Films with subtitles, and what WebVTT says."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.clips.library import Clips

Said = tuple[float, float, str]
"""From when, until when, in seconds, and what."""
_MAP = re.compile(r"X-TIMESTAMP-MAP=LOCAL:00:00:00\.000,MPEGTS:(\d+)")
_TIMING = re.compile(r"(\d\d):(\d\d):(\d\d\.\d{3}) --> (\d\d):(\d\d):(\d\d\.\d{3})( [a-z]+:\S+)*")


def srt(*cues: Said) -> str:
    return "".join(
        f"{number}\n{_clock(start)} --> {_clock(end)}\n{text}\n\n" for number, (start, end, text) in enumerate(cues, 1)
    )


def ass(*cues: Said) -> str:
    lines = ["[Script Info]", "ScriptType: v4.00+", "", "[Events]"]
    lines.append("Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text")
    for start, end, text in cues:
        begin, until = (_clock(time).replace(",", ".")[1:-1] for time in (start, end))
        lines.append(f"Dialogue: 0,{begin},{until},Default,,0,0,0,,{text}")
    return "\n".join(lines) + "\n"


def subtitled(
    clips: "Clips",
    name: str,
    film: Path,
    *texts: bytes,
    kind: str = "srt",
    codec: str = "copy",
    told: Sequence[str] = (),
) -> Path:
    """The film with these texts, written as `kind`, beside it; `told` are more of ffmpeg's output options."""
    files = [clips.written(f"{place}.{kind}", text) for place, text in enumerate(texts)]
    inputs = [word for file in (film, *files) for word in ("-i", str(file))]
    maps = [word for place in range(len(texts) + 1) for word in ("-map", str(place))]
    return clips.made(name, *inputs, *maps, "-c", "copy", "-c:s", codec, *told)


def cues_of(text: str) -> tuple[float, list[Said]]:
    """How much later than the cues' times the stream's are, and the cues as they are written."""
    head, *blocks = text.rstrip("\n").split("\n\n")
    signature, mapped = head.split("\n")
    found = _MAP.fullmatch(mapped)
    assert (signature, bool(found)) == ("WEBVTT", True), head
    assert found
    return int(found[1]) / 90_000, [_cue(block) for block in blocks]


def _cue(block: str) -> Said:
    timing, _, text = block.partition("\n")
    found = _TIMING.fullmatch(timing)
    assert found, block
    hours, minutes, seconds, *end = (float(each) for each in found.groups()[:6])
    return hours * 3600 + minutes * 60 + seconds, end[0] * 3600 + end[1] * 60 + end[2], text


def _clock(time: float) -> str:
    milliseconds = round(time * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{rest:03d}"
