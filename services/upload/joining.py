"""How an upload's parts become its object."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id
from services.upload.domain import Transport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.upload.domain import Part, Upload
    from services.upload.formats import Policy
    from services.upload.ports import Objects, Transaction


async def joined(
    upload: Upload, tx: Transaction, objects: Objects, policy: Policy, now: datetime, claimed: Sequence[Part] = ()
) -> Upload:
    """The upload, completed or failed. `claimed` are the parts as the client saw them.

    Raises Conflict (`parts_missing`, `part_mismatch`) while the store holds something else, Exhausted while the tenant
    has no room for a file that turned out larger.
    """
    try:
        received = await objects.parts(upload)
    except NotFound:
        # An earlier call joined them and died before its commit: the object is there, its multipart is not.
        return await _checked(upload, objects, now)
    etags = {part.number: part.etag for part in received}
    for part in claimed:
        if etags.get(part.number) != part.etag:
            raise Conflict("part_mismatch", f"part {part.number} is not what the store holds", part=part.number)
    if upload.transport is Transport.LOOSE:
        upload, received = _loose(upload, received, claimed, policy)
    elif missing := upload.missing(received):
        shown = ", ".join(str(number) for number in missing[:10])
        raise Conflict("parts_missing", f"parts not received yet: {shown}", parts=shown)
    # Once it is joined it is there, whatever room there is.
    await tx.charge(upload)
    await objects.join(upload, received)
    return await _checked(upload, objects, now)


def _loose(upload: Upload, received: list[Part], claimed: Sequence[Part], policy: Policy) -> tuple[Upload, list[Part]]:
    """The upload with the size that its parts make, and the parts that the client wants: all where it names none."""
    wanted = {part.number for part in claimed} or {part.number for part in received}
    if not wanted or max(wanted) != len(wanted):
        missing = sorted(set(range(1, max(wanted, default=1) + 1)) - wanted)[:10]
        shown = ", ".join(map(str, missing))
        raise Conflict("parts_missing", f"parts not received yet: {shown}", parts=shown)
    chosen = [part for part in received if part.number in wanted]
    size = sum(part.size for part in chosen)
    policy.check_size(size)
    if not upload.size_deferred and size != upload.size:
        raise Conflict("parts_missing", f"{size} bytes came, {upload.size} were declared")
    return replace(upload.sized(size), part_count=len(chosen)), chosen


async def _checked(upload: Upload, objects: Objects, now: datetime) -> Upload:
    try:
        size = await objects.size(upload.object_key)
    except NotFound:
        return upload.fail("object_lost", "the object store no longer has the parts", now)
    if upload.size_deferred:
        upload = upload.sized(size)
    if size != upload.size:
        # No asset comes of it. Where it cannot be removed now, the upload goes on receiving until it can.
        await objects.abort(upload)
        return upload.fail("size_mismatch", f"{size} bytes came, {upload.size} were declared", now)
    return upload.complete(new_id(), now)
