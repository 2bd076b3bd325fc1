"""Subtitles in a job's playlists: those that its source has, as far as they have been made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.transcode.media.facts import SourceFacts
from services.transcode.media.text_tracks import TextTrack, offers

if TYPE_CHECKING:
    from fractions import Fraction

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Transaction


async def text_tracks(tx: Transaction, job: Job, duration: Fraction) -> list[TextTrack]:
    """In the order of the source; `duration` is the stream's."""
    found = SourceFacts.from_json(dict(job.facts or {})).subtitles
    if not found:
        return []
    made = {file.name: file for file in await tx.files(job.id) if file.state == "ready"}
    return [
        TextTrack(
            offer=offer,
            file_uri=made[offer.file].key.removeprefix(job.object_prefix),
            duration=duration,
            size=made[offer.file].size,
        )
        for offer in offers(found)
        if offer.file in made
    ]
