"""Loudness by EBU R128: what was measured, and the one gain that brings the whole to its target."""

import re
from dataclasses import dataclass
from math import isfinite

from services.transcode.media.errors import WrongOutput

# Below this, in LUFS, the gate has left nothing: silence.
_SILENCE = -69.0
# The highest true peak that is let out, in dBTP (EBU R128, s. 4).
_PEAK = -1.0
# More than this, in dB, would only bring up noise.
_MOST = 30.0
_NUMBER = r"(-?(?:\d+\.\d+|inf|nan))"
_SUMMARY = re.compile(
    rf"Integrated loudness:\s+I:\s+{_NUMBER} LUFS.*LRA:\s+{_NUMBER} LU.*True peak:\s+Peak:\s+{_NUMBER} dBFS", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Loudness:
    """`integrated` in LUFS, `range` in LU, `peak` in dBTP."""

    integrated: float
    peak: float
    range: float = 0.0


def read_loudness(log: str) -> Loudness:
    """From the last words of ffmpeg's filter `ebur128`. Raises WrongOutput where they are missing."""
    found = _SUMMARY.search(log)
    if found is None:
        raise WrongOutput("the loudness was not measured")
    return Loudness(float(found[1]), float(found[3]), float(found[2]))


def gain(measured: Loudness, target: float) -> float:
    """In dB: to the target, but no peak above its limit, and none for silence."""
    if not isfinite(measured.integrated) or measured.integrated <= _SILENCE:
        return 0.0
    room = _PEAK - measured.peak if isfinite(measured.peak) else _MOST
    return min(target - measured.integrated, room, _MOST)
