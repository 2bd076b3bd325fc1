"""What is wanted of a job, by whoever asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from services.transcode.media.edits import NO_EDITS, Edits

if TYPE_CHECKING:
    from services.transcode.media.preset import Preset, PresetAnalysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to make is said by a preset's name, or by `recipe`; nothing at all is the usual."""

    preset: str = ""
    recipe: Preset | None = None
    edits: Edits = NO_EDITS
    """Over those of the preset."""
    analysis: PresetAnalysis | Literal[False] | None = None
    """In place of that of the preset; False for none."""
    priority: int | None = None
    callback_url: str = ""


NO_WISH = Wish()
