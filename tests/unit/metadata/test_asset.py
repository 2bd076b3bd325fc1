"""How an asset goes from a file to something that plays, and never back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from meshkit.errors import Conflict, InvalidArgument, NotFound
from meshkit.ids import new_id
from services.metadata.domain import Asset, Changes, Fact, State, Visibility, fact
from services.metadata.jobs import Media, Output, OutputState
from services.metadata.kinds import Kind, guess_kind
from tests.fakes.metadata import NOW, a_job, an_asset

LATER = NOW + timedelta(seconds=1)


@pytest.fixture
def asset() -> Asset:
    return an_asset(new_id())


def played(asset: Asset) -> list[Output]:
    return [output for output in asset.outputs if output.job_id == asset.job_id]


def test_a_job_takes_it_all_the_way(asset: Asset) -> None:
    job = a_job(asset, kind=Kind.AUDIO)
    started = asset.start(job, LATER)
    assert (started.state, started.playable, started.media, started.sha256, started.kind) == (
        State.PROCESSING,
        False,
        job.media,
        job.sha256,
        Kind.AUDIO,
    )
    playable = started.play(job, LATER)
    assert (playable.state, playable.playable, playable.object_prefix) == (State.PROCESSING, True, job.object_prefix)
    ready = playable.succeed(job, LATER)
    assert (ready.state, played(ready), ready.update_time) == (State.READY, list(job.outputs), LATER)


def test_a_fact_that_tells_nothing_new_changes_nothing(asset: Asset) -> None:
    job = a_job(asset)
    started = asset.start(job, LATER)
    assert started.start(job, LATER) is started
    ready = started.succeed(job, LATER)
    assert ready.succeed(job, LATER) is ready
    assert len({each.etag for each in (asset, started, ready)}) == 3


def test_the_order_of_a_jobs_facts_does_not_matter_in_the_end(asset: Asset) -> None:
    job = a_job(asset)
    for order in permutations([Asset.start, Asset.play, Asset.succeed]):
        after = asset
        for transition in order:
            after = transition(after, job, LATER)
        assert (after.state, after.playable, after.object_prefix) == (State.READY, True, job.object_prefix)


def test_what_comes_late_does_not_revive_a_failed_job(asset: Asset) -> None:
    job = a_job(asset, error_code="not_media", error_message="no")
    failed = asset.play(job, LATER).fail(job, LATER)
    assert (failed.state, failed.playable, failed.error_code) == (State.FAILED, False, "not_media")
    assert failed.start(job, LATER) is failed
    assert failed.play(job, LATER) is failed
    assert failed.fail(a_job(asset, id=asset.id, error_code="other"), LATER) is failed


def test_a_job_that_is_begun_again_takes_its_asset_along(asset: Asset) -> None:
    first = a_job(asset, error_code="encode_failed", attempts=1)
    again = replace(first, error_code="", attempts=2)
    failed = asset.start(first, LATER).fail(first, LATER)
    started = failed.start(again, LATER)
    assert (started.state, started.error_code) == (State.PROCESSING, "")
    assert started.fail(first, LATER) is started
    assert started.succeed(again, LATER).state is State.READY


def test_what_a_lost_job_began_to_make_is_shown_as_lost(asset: Asset) -> None:
    older, newer = a_job(asset), a_job(asset)
    begun, errored = (
        tuple(replace(output, state=state) for output in older.outputs)
        for state in (OutputState.PREPARING, OutputState.ERRORED)
    )
    ready = asset.play(replace(older, outputs=begun), LATER).succeed(newer, LATER)
    failed = ready.fail(replace(older, outputs=errored), LATER)
    assert failed.state is State.READY
    assert failed.outputs == errored + newer.outputs
    assert played(failed) == list(newer.outputs)


def test_a_newer_job_gives_a_failed_asset_another_chance(asset: Asset) -> None:
    failed = asset.cancel(a_job(asset), LATER)
    assert (failed.state, failed.error_code) == (State.FAILED, "job_cancelled")
    second = a_job(asset)
    started = failed.start(second, LATER)
    assert (started.state, started.error_code) == (State.PROCESSING, "")
    assert started.succeed(second, LATER).state is State.READY


def test_an_older_job_that_fails_does_not_fail_what_a_newer_one_makes(asset: Asset) -> None:
    older, newer = a_job(asset), a_job(asset)
    underway = asset.start(older, LATER).start(newer, LATER)
    assert underway.fail(older, LATER) is underway
    assert underway.play(newer, LATER).playable


def test_a_job_that_comes_second_leaves_alone_what_plays(asset: Asset) -> None:
    first, second = a_job(asset), a_job(asset)
    playable = asset.play(first, LATER)
    assert playable.start(second, LATER) is playable
    assert playable.fail(second, LATER) is playable


@pytest.mark.parametrize("transition", [Asset.start, Asset.play, Asset.fail, Asset.cancel])
def test_nothing_but_success_counts_once_it_is_ready(asset: Asset, transition: object) -> None:
    ready = asset.succeed(a_job(asset), LATER)
    assert callable(transition)
    assert transition(ready, a_job(asset, error_code="corrupt"), LATER) is ready


def test_a_second_job_adds_its_outputs_and_plays_instead(asset: Asset) -> None:
    first, second = a_job(asset), a_job(asset)
    ready = asset.succeed(first, LATER).succeed(second, LATER)
    assert ready.outputs == first.outputs + second.outputs
    assert (ready.object_prefix, played(ready)) == (second.object_prefix, list(second.outputs))


def test_an_older_job_that_ends_later_only_adds(asset: Asset) -> None:
    older, newer = a_job(asset), a_job(asset)
    ready = asset.succeed(newer, LATER).succeed(older, LATER)
    assert ready.outputs == newer.outputs + older.outputs
    assert ready.object_prefix == newer.object_prefix


def test_a_job_that_makes_nothing_to_play_leaves_what_plays(asset: Asset) -> None:
    stream, still = a_job(asset), a_job(asset, playable=False, object_prefix="")
    ready = asset.succeed(stream, LATER).succeed(still, LATER)
    assert (ready.playable, ready.object_prefix) == (True, stream.object_prefix)


def test_nothing_moves_a_deleted_asset(asset: Asset) -> None:
    deleted = asset.delete(LATER)
    assert (deleted.state, deleted.delete_time) == (State.DELETED, LATER)
    for transition in (Asset.start, Asset.play, Asset.succeed, Asset.fail, Asset.cancel):
        assert transition(deleted, a_job(asset), LATER) is deleted
    assert deleted.delete(LATER, "an etag of before") is deleted
    with pytest.raises(Conflict, match="asset_deleted"):
        deleted.update(Changes(passthrough="x"), LATER)


def test_a_restored_asset_is_what_it_was(asset: Asset) -> None:
    job = a_job(asset, error_code="not_media")
    for before in (asset.succeed(job, LATER), asset.fail(job, LATER)):
        restored = before.delete(LATER).restore(LATER)
        assert (restored.state, restored.outputs, restored.playable) == (before.state, before.outputs, before.playable)
        assert (restored.delete_time, restored.deleted_state) == (None, None)
        assert restored.restore(LATER) is restored
    with pytest.raises(Conflict, match="etag_mismatch"):
        asset.delete(LATER).restore(LATER, asset.etag)


def test_what_was_not_finished_begins_anew_when_it_is_restored(asset: Asset) -> None:
    job = a_job(asset)
    restored = asset.play(job, LATER).delete(LATER).restore(LATER)
    assert (restored.state, restored.playable, restored.outputs) == (State.UPLOADED, False, ())
    # The word of its end may come only now.
    cancelled = restored.cancel(job, LATER)
    again = a_job(asset)
    ready = cancelled.start(again, LATER).succeed(again, LATER)
    assert (ready.state, played(ready)) == (State.READY, list(again.outputs))


def test_an_asset_may_outlive_its_source(asset: Asset) -> None:
    ready = asset.succeed(a_job(asset), LATER)
    assert (ready.ready_time, ready.source()) == (LATER, ready)
    without = ready.delete_source(LATER)
    assert without.delete_source(LATER + timedelta(days=1)) is without
    assert without.present().playable
    with pytest.raises(NotFound, match="source_deleted"):
        without.source()
    with pytest.raises(NotFound, match="asset_not_found"):
        ready.delete(LATER).source()


def test_an_update_changes_what_it_names(asset: Asset) -> None:
    changed = asset.update(Changes(labels={}, visibility=Visibility.PUBLIC, passthrough="p"), LATER, asset.etag)
    assert (changed.labels, changed.visibility, changed.passthrough) == ({}, Visibility.PUBLIC, "p")
    assert (changed.file_name, changed.update_time) == (asset.file_name, LATER)


def test_an_update_of_something_changed_meanwhile_is_refused(asset: Asset) -> None:
    changed = asset.update(Changes(passthrough="theirs"), LATER)
    with pytest.raises(Conflict, match="etag_mismatch"):
        changed.update(Changes(passthrough="ours"), LATER, asset.etag)
    with pytest.raises(Conflict, match="etag_mismatch"):
        changed.delete(LATER, asset.etag)


def test_an_update_again_is_the_same_as_once(asset: Asset) -> None:
    changed = asset.update(Changes(passthrough="ours"), LATER, asset.etag)
    assert changed.update(Changes(passthrough="ours"), LATER, asset.etag) is changed


@pytest.mark.parametrize("name", ["", "a/b.mp4", "..\\a", "a\nb", "\x7f", "\u2028"])
def test_a_file_name_is_a_name(asset: Asset, name: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid_file_name"):
        asset.update(Changes(file_name=name), LATER)
    assert asset.update(Changes(file_name="Finale 👩‍🚀 日本.mp4"), LATER).file_name == "Finale 👩‍🚀 日本.mp4"


def test_each_change_is_said_by_its_name(asset: Asset) -> None:
    job = a_job(asset)
    started, playable = asset.start(job, LATER), asset.play(job, LATER)
    ready = playable.succeed(job, LATER)
    assert fact(asset, started) is Fact.UPDATED
    assert fact(started, playable) is Fact.PLAYABLE
    assert fact(playable, ready) is Fact.READY
    assert fact(ready, ready.succeed(a_job(asset), LATER)) is Fact.UPDATED
    assert fact(started, started.fail(job, LATER)) is Fact.FAILED
    assert fact(ready, ready.delete(LATER)) is Fact.DELETED
    assert fact(ready.delete(LATER), ready.delete(LATER).restore(LATER)) is Fact.RESTORED
    assert fact(ready, ready.delete_source(LATER)) is Fact.SOURCE_DELETED


def test_the_probe_knows_better_only_what_it_knows(asset: Asset) -> None:
    started = asset.start(a_job(asset, kind=None, sha256="", media=Media(container="mp4")), LATER)
    assert (started.kind, started.sha256) == (Kind.VIDEO, "")


@pytest.mark.parametrize(
    ("content_type", "file_name", "kind"),
    [
        ("video/mp4", "a", Kind.VIDEO),
        ("IMAGE/png", "a.mp4", Kind.IMAGE),
        ("application/octet-stream", "a.b.FLAC", Kind.AUDIO),
        ("", "clip.mkv", Kind.VIDEO),
        ("application/pdf", "a.pdf", None),
        ("", "mp4", Kind.VIDEO),
        ("", "", None),
    ],
)
def test_the_kind_is_what_the_client_says(content_type: str, file_name: str, kind: Kind | None) -> None:
    assert guess_kind(content_type, file_name) is kind
