"""Ids sort by the time they were made."""

from __future__ import annotations

import time
import uuid

from meshkit.ids import new_id


def test_ids_of_one_process_ascend_and_never_repeat() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_an_id_is_a_uuid_of_version_7_that_carries_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    # Ids made faster than the clock ticks run ahead of it by parts of a millisecond.
    assert before - 1 <= made.int >> 80 <= time.time_ns() // 1_000_000 + 50
