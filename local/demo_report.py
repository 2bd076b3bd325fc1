"""What the demo found out: a JSON object for programs, a table for people."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.demo_judge import Judged

TIMINGS = (
    ("mesh started", "seconds_to_start"),
    ("uploaded", "seconds_upload"),
    ("playable", "seconds_to_playable"),
    ("ready", "seconds_to_ready"),
    ("played and decoded", "seconds_to_play"),
)


@dataclass(slots=True, kw_only=True)
class Report:
    """`playable` and `ready` are counted from the end of the upload. What was not reached stays None."""

    asset_id: str | None = None
    state: str = "not_started"
    hls_url: str | None = None
    embed_url: str | None = None
    seconds_to_start: float | None = None
    seconds_upload: float | None = None
    seconds_to_playable: float | None = None
    seconds_to_ready: float | None = None
    seconds_to_play: float | None = None
    source: dict[str, Any] = field(default_factory=dict)
    decoded: dict[str, Any] | None = None
    faults: list[str] = field(default_factory=list)
    error: dict[str, str] | None = None
    ok: bool = False
    concluded: bool = False

    def as_json(self) -> dict[str, Any]:
        return {name: rounded(value) for name, value in asdict(self).items() if name != "concluded"}

    def timings(self) -> list[str]:
        measured = [(name, getattr(self, value)) for name, value in TIMINGS]
        return [f"  {name:<20}{seconds:8.2f} s" for name, seconds in measured if seconds is not None]

    def failed(self, state: str, code: str, message: str) -> None:
        self.state, self.error, self.ok = state, {"code": code, "message": message}, False


def facts(judged: Judged) -> dict[str, Any]:
    picture, sound = judged.picture, judged.sound
    return {
        "frames": picture.frames if picture else 0,
        "duration": picture.duration if picture else sound.duration if sound else 0.0,
        "width": picture.width if picture else 0,
        "height": picture.height if picture else 0,
        "frame_rate": float(picture.rate) if picture else 0.0,
        "audio_samples": sound.samples if sound else 0,
        "audio_duration": sound.duration if sound else 0.0,
    }


def source_facts(video: Path, judged: Judged | None) -> dict[str, Any]:
    known = facts(judged) if judged else dict.fromkeys(("frames", "duration", "width", "height", "frame_rate"))
    return {"file": str(video), "size": video.stat().st_size, **known}


def stream_facts(judged: Judged) -> dict[str, Any]:
    parts = [part for part in (judged.picture, judged.sound) if part is not None]
    return facts(judged) | {"monotonic": all(part.monotonic for part in parts)}


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value
