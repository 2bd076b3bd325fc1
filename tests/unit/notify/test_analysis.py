"""What is asked about an asset, what counts as an answer, and when nobody asks any more; over fakes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, InvalidArgument, NotFound, Unavailable
from meshkit.ids import new_id
from services.notify.analysis import DEEPEST, LARGEST, SCHEDULE, asking, check, judged
from services.notify.delivery import State
from services.notify.ports import Source
from tests.fakes.analysis import ANSWER
from tests.fakes.webhooks import THEN, a_delivery, a_webhook, an_outcome
from tests.unit.notify.conftest import TENANT, Mesh

if TYPE_CHECKING:
    from services.notify.delivery import Outcome

URL = "https://club.example/analyse"
JSON = "application/json; charset=utf-8"


def answering(body: bytes = ANSWER, content_type: str = JSON) -> Outcome:
    return replace(an_outcome(), body=body, content_type=content_type)


async def test_a_new_asset_is_asked_about_and_the_answer_goes_to_it(mesh: Mesh) -> None:
    hook, made = await mesh.hooks.put(TENANT, URL)
    assert made
    mesh.receivers.answer = lambda _: answering()
    asset_id = new_id()
    event_id = await mesh.hears("asset.created", asset_id)
    assert await mesh.attempt_all() == 1
    assert mesh.receivers.posted == [(URL, event_id, [hook.secrets[0].text])]
    assert mesh.assets.answers == {asset_id: ANSWER.decode()}
    assert {row.state for row in mesh.store.rows.values()} == {State.SUCCEEDED}


async def test_nobody_is_asked_about_anything_else_or_for_anybody_else(mesh: Mesh) -> None:
    await mesh.hooks.put(new_id(), URL)
    await mesh.hears("asset.created")
    await mesh.hooks.put(TENANT, URL)
    await mesh.hears("asset.ready")
    assert await mesh.attempt_all() == 0
    assert await mesh.webhooks.page(TENANT, 10, "") == ([], "")


def test_the_question_has_what_is_known_by_now() -> None:
    delivery = a_delivery(a_webhook(), payload='{"type":"analysis.requested","timestamp":"t","data":{"asset":{}}}')
    source = Source(asset={"id": "a", "media": {"duration": 1.5}}, url="https://o.example/s", expire_time=THEN)
    asked = asking(delivery, source)
    assert json.loads(asked.payload) == {
        "type": "analysis.requested",
        "timestamp": "t",
        "data": {
            "asset": {"id": "a", "media": {"duration": 1.5}},
            "source": {"url": "https://o.example/s", "expires_at": "2026-01-01T00:00:00Z"},
        },
    }
    assert asked.event_id == delivery.event_id


async def test_attempts_are_repeated_with_a_fresh_url_and_then_given_up(mesh: Mesh) -> None:
    await mesh.hooks.put(TENANT, URL)
    mesh.receivers.answer = lambda _: an_outcome(503, now=mesh.clock.now)
    asset_id = new_id()
    await mesh.hears("asset.created", asset_id)
    for wait in SCHEDULE:
        assert mesh.assets.failures == {}
        mesh.clock.forward(seconds=wait + 1)
        assert await mesh.attempt_all() == 1
    assert mesh.assets.opened == [asset_id] * len(SCHEDULE)
    assert mesh.assets.failures == {asset_id: "http_503"}
    [row] = mesh.store.rows.values()
    assert (row.state, row.attempts) == (State.FAILED, len(SCHEDULE))


@pytest.mark.parametrize(
    ("status", "final"),
    [(0, False), (301, True), (404, True), (408, False), (422, True), (429, False), (500, False)],
)
def test_what_is_meant_is_not_asked_again(status: int, final: bool) -> None:
    assert judged(an_outcome(status)).final is final


def test_an_answer_that_breaks_off_may_come_whole_another_time() -> None:
    assert not judged(replace(an_outcome(), error="timeout")).final


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'"\xc3\x96l"', b'{"a":[1,2.5,-3e2,true]}', b" 1 \n"])
def test_any_json_is_an_answer(body: bytes) -> None:
    assert judged(answering(body)) == answering(body)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b'{"a":1', b"{'a':1}", b"NaN", b"-Infinity", b"1e999", b'{"a":1,"a":2}', b"\xff", b"1 2"),
        *(b'"\\ud800"', b"\xef\xbb\xbf1", b'"\x00"', '"é"'.encode("utf-16"), b"9" * 5000),
    ],
)
def test_what_is_not_json_to_all_is_none(body: bytes) -> None:
    outcome = judged(answering(body))
    assert (outcome.error, outcome.final) == ("answer_not_json", True)


def test_an_answer_says_that_it_is_json_and_is_not_too_deep() -> None:
    for content_type in ("", "text/html", "application/jsonp"):
        assert judged(answering(content_type=content_type)).error == "answer_not_json"
    check(JSON, b"[" * DEEPEST + b"]" * DEEPEST)
    for body in (b'{"a":' * DEEPEST + b"[]" + b"}" * DEEPEST, b"[" * LARGEST):
        with pytest.raises(InvalidArgument, match="answer_too_deep"):
            check(JSON, body)


async def test_a_bad_answer_is_the_last_and_throttles_nobody(mesh: Mesh) -> None:
    hook, _ = await mesh.hooks.put(TENANT, URL)
    mesh.receivers.answer = lambda _: answering(b"<html>")
    asset_id = new_id()
    await mesh.hears("asset.created", asset_id)
    await mesh.attempt_all()
    assert mesh.assets.failures == {asset_id: "answer_not_json"}
    assert (await mesh.hooks.get(TENANT)).failing_since_time is None
    assert [row.state for row in mesh.store.rows.values()] == [State.FAILED]
    assert hook.id == next(iter(mesh.store.rows.values())).webhook_id


async def test_it_is_not_over_before_the_asset_has_it(mesh: Mesh) -> None:
    await mesh.hooks.put(TENANT, URL)
    mesh.receivers.answer = lambda _: answering()
    asset_id = new_id()
    await mesh.hears("asset.created", asset_id)
    [due] = await mesh.deliveries.claim(10)
    mesh.assets.refusal = Unavailable("unavailable")
    with pytest.raises(Unavailable):
        await mesh.deliveries.make(due)
    mesh.assets.refusal = None
    assert await mesh.deliveries.claim(10) == []
    mesh.clock.forward(minutes=3)
    await mesh.attempt_all()
    assert mesh.assets.answers == {asset_id: ANSWER.decode()}


async def test_who_has_an_answer_is_not_asked_about_again(mesh: Mesh) -> None:
    await mesh.hooks.put(TENANT, URL)
    asset_id = new_id()
    mesh.assets.answers[asset_id] = "1"
    await mesh.hears("asset.created", asset_id)
    await mesh.attempt_all()
    assert mesh.receivers.posted == []
    assert mesh.assets.answers == {asset_id: "1"}
    assert [row.state for row in mesh.store.rows.values()] == [State.SUCCEEDED]


async def test_an_asset_that_is_gone_ends_it(mesh: Mesh) -> None:
    await mesh.hooks.put(TENANT, URL)
    asset_id = new_id()
    await mesh.hears("asset.created", asset_id)
    mesh.assets.gone = "source_deleted"
    await mesh.attempt_all()
    assert mesh.receivers.posted == []
    assert mesh.assets.failures == {asset_id: "source_deleted"}
    assert [row.state for row in mesh.store.rows.values()] == [State.FAILED]


async def test_a_hook_is_changed_and_keeps_its_secret(mesh: Mesh) -> None:
    made, _ = await mesh.hooks.put(TENANT, URL)
    changed, new = await mesh.hooks.put(TENANT, f"{URL}/2", "by the club", made.etag)
    assert (changed.id, changed.secrets, changed.description, new) == (made.id, made.secrets, "by the club", False)
    with pytest.raises(Conflict, match="etag_mismatch"):
        await mesh.hooks.put(TENANT, URL, etag=made.etag)
    rotated = await mesh.hooks.rotate(TENANT, timedelta(hours=1))
    assert rotated.signers(THEN)[1] == made.secrets[0].text


async def test_a_deleted_hook_fails_what_is_pending_at_once(mesh: Mesh) -> None:
    made, _ = await mesh.hooks.put(TENANT, URL)
    mesh.receivers.answer = lambda _: an_outcome(503, now=mesh.clock.now, retry_after=timedelta(hours=1))
    assets = [new_id(), new_id()]
    for asset_id in assets:
        await mesh.hears("asset.created", asset_id)
    await mesh.attempt_all()
    mesh.clock.forward(seconds=1)
    await mesh.hooks.delete(TENANT)
    with pytest.raises(NotFound, match="analysis_hook_not_found"):
        await mesh.hooks.get(TENANT)
    assert await mesh.attempt_all() == 2
    assert mesh.assets.failures == dict.fromkeys(assets, "hook_deleted")
    await mesh.hears("asset.created")
    assert await mesh.attempt_all() == 0
    again, new = await mesh.hooks.put(TENANT, URL)
    assert (again.id, new) == (made.id, True)
    assert again.secrets != made.secrets


async def test_what_failed_can_be_asked_again(mesh: Mesh) -> None:
    hook, _ = await mesh.hooks.put(TENANT, URL)
    mesh.receivers.answer = lambda _: an_outcome(404, now=mesh.clock.now)
    asset_id = new_id()
    await mesh.hears("asset.created", asset_id)
    await mesh.attempt_all()
    [failed], _ = await mesh.webhooks.deliveries(TENANT, hook.id, State.FAILED, 10, "")
    mesh.receivers.answer = lambda _: answering()
    await mesh.webhooks.replay(TENANT, failed.id)
    await mesh.attempt_all()
    assert mesh.assets.answers == {asset_id: ANSWER.decode()}
