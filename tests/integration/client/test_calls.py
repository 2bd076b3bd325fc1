"""Calls of the API over real HTTP: answers, problems, and troubles on the way."""

import socket
from pathlib import Path

import pytest
import stamina
from reelmesh_client import Client, FieldProblem, ProblemError, UnreachableError

from tests.fakes.api_state import KEY, POWERLESS_KEY, FakeApi


def test_an_asset_and_how_to_play_it(api: FakeApi, client: Client, three_parts: Path) -> None:
    asset_id = client.upload_file(three_parts)

    assert [standing.over for standing in client.watch(asset_id, every=0)] == [False, True]
    assert client.get_asset(asset_id).state == "ready"
    assert client.playback(asset_id).hls_url.endswith(f"/play/{asset_id}/master.m3u8")


def test_jobs(api: FakeApi, client: Client, three_parts: Path) -> None:
    asset_id = client.upload_file(three_parts)

    (job,) = client.list_jobs(asset_id=asset_id)

    assert client.get_job(job.id) == job
    assert client.cancel_job(job.id).state == "cancelled"


def test_lists_are_fetched_page_by_page_as_they_are_asked_for(api: FakeApi, client: Client, three_parts: Path) -> None:
    ids = [client.upload_file(three_parts, labels={"match": str(number)}) for number in range(5)]
    api.seen.clear()

    listing = client.list_assets()
    assert next(listing).id == ids[0]
    assert api.seen == ["GET /v1/assets"]
    assert [asset.id for asset in listing] == ids[1:]
    assert api.seen == ["GET /v1/assets"] * 3
    assert [asset.id for asset in client.list_assets(labels={"match": "3"}, kind="video")] == [ids[3]]
    assert list(client.list_assets(state="failed")) == []


def test_a_problem_says_everything(client: Client) -> None:
    with pytest.raises(ProblemError) as problem:
        client.create_upload(file_name="a.mp4", size=1, preset="unknown")

    error = problem.value
    assert (error.status, error.code) == (400, "invalid_argument")
    assert error.errors == (FieldProblem("preset", "there is no preset unknown"),)
    assert error.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert str(error) == "the request is not valid; preset: there is no preset unknown"


def test_an_id_from_outside_stays_in_its_place(api: FakeApi, client: Client) -> None:
    with pytest.raises(ProblemError) as problem:
        client.get_asset("../jobs?state=x")

    assert problem.value.status == 404
    assert api.seen == ["GET /v1/assets/../jobs?state=x"]


def test_a_short_outage_is_waited_out(api: FakeApi, client: Client) -> None:
    api.outages = 3

    assert list(client.list_assets()) == []
    assert len(api.seen) == 4


def test_creates_are_repeated_under_one_key(api: FakeApi, client: Client) -> None:
    api.outages = 2

    client.create_upload(file_name="a.mp4", size=1)

    assert len(api.uploads) == 1
    assert len(set(api.idempotency_keys)) == 1
    assert len(api.idempotency_keys) == 3


def test_a_long_outage_is_told(api: FakeApi, client: Client) -> None:
    api.outages = 100

    with pytest.raises(ProblemError) as problem:
        list(client.list_assets())

    assert problem.value.code == "unavailable"
    assert len(api.seen) == 4


def test_who_is_refused_is_refused_once(api: FakeApi) -> None:
    for key, code in (("rmk_wrong", "invalid_token"), (POWERLESS_KEY, "missing_scope")):
        api.seen.clear()
        with Client(api.url, key) as client, pytest.raises(ProblemError) as problem:
            client.get_asset("a")
        assert problem.value.code == code
        assert len(api.seen) == 1


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    unreachable = pytest.raises(UnreachableError, match="cannot reach")
    with stamina.set_testing(True, attempts=2), Client(url, KEY) as client, unreachable:
        client.get_asset("a")


def test_somebody_else_there(api: FakeApi, client: Client) -> None:
    api.assets["a"] = {"state": "ready", "from": "another program"}

    with pytest.raises(UnreachableError, match="does not answer like a mesh"):
        client.get_asset("a")
