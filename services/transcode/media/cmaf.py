"""Read what ffmpeg wrote: init and fragments of a CMAF track, and whether a chunk is what its grid says."""

from dataclasses import dataclass
from fractions import Fraction

from services.transcode.media.boxes import Box, Buffer, children, find, uint
from services.transcode.media.errors import WrongOutput

_NON_SYNC = 0x10000
# tfhd and trun field flags, ISO/IEC 14496-12 sections 8.8.7 and 8.8.8.
_TFHD_BASE, _TFHD_DESCRIPTION, _TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
_TRUN_OFFSET, _TRUN_FIRST_FLAGS = 0x1, 0x4
_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION = 0x100, 0x200, 0x400, 0x800


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """One moof+mdat. `offset` and `size` in bytes of the file; `decode_time` and `ticks` in the track's timescale."""

    offset: int
    size: int
    decode_time: int
    ticks: int
    samples: int
    starts_with_sync: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cmaf:
    """A track file taken apart. `init` is ftyp+moov."""

    init: bytes
    timescale: int
    fragments: tuple[Fragment, ...]


@dataclass(frozen=True, slots=True)
class _Defaults:
    duration: int
    flags: int


def read_cmaf(data: Buffer) -> Cmaf:
    """Take a single-track fragmented file apart. Raises WrongOutput when it is not one."""
    try:
        return _read(data)
    except (ValueError, IndexError) as error:
        raise WrongOutput(f"not a whole CMAF file: {error}") from error


def check_chunk(track: Cmaf, *, start_frame: int, frames: int, rate: Fraction, gop: int) -> None:
    """Raise WrongOutput unless the chunk holds exactly its own `frames`, on the grid, in GOPs of `gop`."""
    step = track.timescale / rate
    if step.denominator != 1:
        raise WrongOutput(f"timescale {track.timescale} cannot carry {rate} frames per second")
    check_continuous(track, start=int(start_frame * step))
    count = sum(fragment.samples for fragment in track.fragments)
    if count != frames:
        raise WrongOutput(f"{count} frames from frame {start_frame}, expected {frames}")
    for fragment in track.fragments:
        if fragment.ticks != fragment.samples * step:
            raise WrongOutput(f"{fragment.samples} frames last {fragment.ticks} ticks at {fragment.decode_time}")
    if any(fragment.samples != gop for fragment in track.fragments[:-1]) or track.fragments[-1].samples > gop:
        raise WrongOutput(f"segments are not {gop} frames each")


def check_continuous(track: Cmaf, *, start: int) -> None:
    """Raise WrongOutput unless the fragments follow each other from `start` ticks and each can be decoded alone."""
    if not track.init or not track.fragments:
        raise WrongOutput("nothing was written")
    expected = start
    for fragment in track.fragments:
        if fragment.decode_time != expected:
            raise WrongOutput(f"decode time {fragment.decode_time}, expected {expected}")
        if not fragment.starts_with_sync:
            raise WrongOutput(f"no key frame at decode time {fragment.decode_time}")
        expected += fragment.ticks


def _read(data: Buffer) -> Cmaf:
    top = list(children(data, 0, len(data)))
    moov = next((box for box in top if box.kind == "moov"), None)
    if moov is None:
        raise ValueError("no moov")
    mdhd = find(data, moov, "trak/mdia/mdhd")
    if mdhd is None:
        raise ValueError("no mdhd")
    timescale = uint(data, mdhd.body + (20 if data[mdhd.body] else 12))
    defaults = _track_defaults(data, moov)
    pairs = zip(top, [*top[1:], None], strict=True)
    fragments = tuple(_fragment(data, box, after, defaults) for box, after in pairs if box.kind == "moof")
    return Cmaf(init=bytes(data[: moov.end]), timescale=timescale, fragments=fragments)


def _track_defaults(data: Buffer, moov: Box) -> _Defaults:
    trex = find(data, moov, "mvex/trex")
    if trex is None:
        raise ValueError("no trex")
    return _Defaults(uint(data, trex.body + 12), uint(data, trex.body + 20))


def _fragment(data: Buffer, moof: Box, mdat: Box | None, defaults: _Defaults) -> Fragment:
    traf = find(data, moof, "traf")
    if traf is None or mdat is None or mdat.kind != "mdat":
        raise ValueError(f"moof at {moof.start} without traf and mdat")
    boxes = {box.kind: box for box in children(data, traf.body, traf.end)}
    tfdt = boxes["tfdt"] if "tfdt" in boxes else _missing("tfdt")
    defaults = _fragment_defaults(data, boxes.get("tfhd") or _missing("tfhd"), defaults)
    runs = [_run(data, box, defaults) for box in children(data, traf.body, traf.end) if box.kind == "trun"]
    return Fragment(
        offset=moof.start,
        size=mdat.end - moof.start,
        decode_time=uint(data, tfdt.body + 4, 8 if data[tfdt.body] else 4),
        ticks=sum(ticks for ticks, _, _ in runs),
        samples=sum(samples for _, samples, _ in runs),
        starts_with_sync=bool(runs) and not runs[0][2] & _NON_SYNC,
    )


def _missing(kind: str) -> Box:
    raise ValueError(f"no {kind}")


def _fragment_defaults(data: Buffer, tfhd: Box, track: _Defaults) -> _Defaults:
    present = uint(data, tfhd.body + 1, 3)
    offset = tfhd.body + 8 + (8 if present & _TFHD_BASE else 0) + (4 if present & _TFHD_DESCRIPTION else 0)
    duration, flags = track.duration, track.flags
    if present & _TFHD_DURATION:
        duration = uint(data, offset)
        offset += 4
    if present & _TFHD_SIZE:
        offset += 4
    if present & _TFHD_FLAGS:
        flags = uint(data, offset)
    return _Defaults(duration, flags)


def _run(data: Buffer, trun: Box, defaults: _Defaults) -> tuple[int, int, int]:
    """Ticks, samples, and the flags of the first sample."""
    present = uint(data, trun.body + 1, 3)
    samples = uint(data, trun.body + 4)
    offset = trun.body + 8 + (4 if present & _TRUN_OFFSET else 0)
    first_flags = defaults.flags
    if present & _TRUN_FIRST_FLAGS:
        first_flags = uint(data, offset)
        offset += 4
    fields = [flag for flag in (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION) if present & flag]
    if _TRUN_FLAGS in fields and samples:
        first_flags = uint(data, offset + 4 * fields.index(_TRUN_FLAGS))
    if _TRUN_DURATION not in fields:
        return samples * defaults.duration, samples, first_flags
    step = 4 * len(fields)
    return sum(uint(data, offset + step * i) for i in range(samples)), samples, first_flags
