"""The other assets that a job's edits take: whose they are, where they lie, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import Conflict, InvalidArgument, NotFound
from services.transcode.media.edits import Materials, check_edits, check_materials
from services.transcode.media.errors import BadEdit
from services.transcode.media.facts import SourceFacts
from services.transcode.media.parts import INTRO, OUTRO, WATERMARK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from services.transcode.media.edits import Edits
    from services.transcode.scheduler.ports import Transaction
    from services.transcode.scheduler.source import Source

_PLACES = {"intro": INTRO, "outro": OUTRO, "watermark": WATERMARK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`sources` by what they are to a plan's chunks."""

    materials: Materials
    sources: Mapping[int, Source]


async def taken(tx: Transaction, tenant_id: str, edits: Edits) -> Taken:
    """Raises NotFound (`edit_asset_not_found`), Conflict (`edit_asset_not_ready`) for one that nobody has read yet."""
    facts: dict[str, SourceFacts] = {}
    sources: dict[int, Source] = {}
    for use, asset_id in edits.asset_ids.items():
        source, known = await _found(tx, tenant_id, use, asset_id)
        if known is None:
            raise Conflict("edit_asset_not_ready", f"the {use} is not ready", use=use, asset_id=asset_id)
        facts[use] = known
        sources[_PLACES[use]] = source
    return Taken(materials=Materials(**facts), sources=sources)


async def foresee(tx: Transaction, tenant_id: str, edits: Edits) -> None:
    """All that can be said before the job's own asset is there; what nobody has read yet may be ready by then."""
    known = {use: (await _found(tx, tenant_id, use, asset_id))[1] for use, asset_id in edits.asset_ids.items()}
    try:
        check_materials(Materials(**known))
    except BadEdit as error:
        raise InvalidArgument(error.reason, error.message) from error


async def check(tx: Transaction, source: Source, edits: Edits) -> None:
    """All that can be said before the job begins. Raises as `taken` does, and InvalidArgument for a BadEdit."""
    others = await taken(tx, source.tenant_id, edits)
    own: Mapping[str, Any] | None = await tx.known_facts(source.tenant_id, source.asset_id)
    try:
        check_materials(others.materials)
        if own is not None:
            check_edits(edits, SourceFacts.from_json(dict(own)))
    except BadEdit as error:
        raise InvalidArgument(error.reason, error.message) from error


async def _found(tx: Transaction, tenant_id: str, use: str, asset_id: str) -> tuple[Source, SourceFacts | None]:
    source = await tx.source(tenant_id, asset_id)
    if source is None or source.deleted:
        raise NotFound("edit_asset_not_found", f"there is no such asset for the {use}", use=use, asset_id=asset_id)
    known = await tx.known_facts(tenant_id, asset_id)
    return source, SourceFacts.from_json(dict(known)) if known is not None else None
