"""What a stream holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nats.js.errors import NotFoundError

if TYPE_CHECKING:
    from meshkit.nats import Bus


async def has_message(bus: Bus, stream: str, subject: str) -> bool:
    """Whether the stream still holds a message with exactly this subject."""
    try:
        await bus.js.get_last_msg(stream, subject)
    except NotFoundError:
        return False
    return True
