"""A file on its way in, over real HTTP."""

from collections.abc import Callable
from pathlib import Path

import pytest
from reelmesh_client import ChangedError, Client, FailedError, ProblemError

from tests.fakes.api_state import PART_SIZE, FakeApi

Clip = Callable[[int], Path]


def only_upload(api: FakeApi) -> str:
    (upload_id,) = api.uploads
    return upload_id


def test_a_file_arrives_whole_and_only_once(api: FakeApi, client: Client, three_parts: Path) -> None:
    asset_id = client.upload_file(three_parts, preset="default", labels={"match": "7"}, visibility="public", parallel=2)

    upload = api.uploads[only_upload(api)]
    assert api.bytes_of(upload["id"]) == three_parts.read_bytes()
    assert upload["asset_id"] == asset_id
    assert (upload["state"], upload["file_name"], upload["content_type"]) == ("completed", "clip.mp4", "video/mp4")
    assert (upload["preset"], upload["labels"], upload["visibility"]) == ("default", {"match": "7"}, "public")
    assert api.puts == {1: 1, 2: 1, 3: 1}


def test_the_key_never_reaches_the_object_store(api: FakeApi, client: Client, three_parts: Path) -> None:
    client.upload_file(three_parts)

    assert api.keys_at_store == []


def test_an_empty_file_is_one_empty_part(api: FakeApi, client: Client, clip: Clip) -> None:
    seen: list[tuple[int, int]] = []

    client.upload_file(clip(0), on_progress=lambda there, total: seen.append((there, total)))

    assert api.parts[only_upload(api)] == {1: b""}
    assert api.uploads[only_upload(api)]["state"] == "completed"
    assert seen[-1] == (0, 0)


def test_a_part_is_tried_again_until_the_store_takes_it(api: FakeApi, client: Client, three_parts: Path) -> None:
    api.part_failures = {2: [500, 503, 429]}

    client.upload_file(three_parts)

    assert api.puts == {1: 1, 2: 4, 3: 1}
    assert api.bytes_of(only_upload(api)) == three_parts.read_bytes()


def test_progress_takes_back_what_has_to_be_sent_again(api: FakeApi, client: Client, three_parts: Path) -> None:
    api.part_failures = {1: [500]}
    seen: list[int] = []

    client.upload_file(three_parts, parallel=1, on_progress=lambda there, _: seen.append(there))

    assert seen == [0, 1000, 0, 1000, 2000, 2500]


def test_an_expired_url_is_signed_again(api: FakeApi, client: Client, three_parts: Path) -> None:
    api.first_urls_expired = True

    client.upload_file(three_parts)

    assert sorted(api.signed) == [[1], [2], [3]]
    assert api.bytes_of(only_upload(api)) == three_parts.read_bytes()


def test_more_than_a_hundred_parts_are_signed_as_they_are_needed(api: FakeApi, client: Client, clip: Clip) -> None:
    api.part_size = 10
    path = clip(2_345)

    client.upload_file(path, parallel=8)

    assert api.bytes_of(only_upload(api)) == path.read_bytes()
    assert [len(numbers) for numbers in api.signed] == [100, 35]


def test_a_part_that_the_store_refuses_ends_the_upload(api: FakeApi, client: Client, three_parts: Path) -> None:
    api.part_failures = {1: [400]}

    with pytest.raises(ProblemError) as refused:
        client.upload_file(three_parts, parallel=1)

    assert (refused.value.status, refused.value.code) == (400, "object_store_refused")
    assert api.puts[1] == 1
    assert api.uploads[only_upload(api)]["state"] == "receiving"


def test_a_store_that_never_takes_a_part_is_given_up(api: FakeApi, client: Client, three_parts: Path) -> None:
    api.part_failures = {3: [503] * 100}

    with pytest.raises(ProblemError, match="503 Service Unavailable to part 3"):
        client.upload_file(three_parts)

    assert api.puts[3] == 6


def test_a_broken_off_upload_goes_on_where_it_was(api: FakeApi, client: Client, three_parts: Path) -> None:
    api.part_failures = {3: [400]}
    with pytest.raises(ProblemError):
        client.upload_file(three_parts, parallel=1)
    seen: list[int] = []

    asset_id = client.upload_file(
        three_parts, upload_id=only_upload(api), on_progress=lambda there, _: seen.append(there)
    )

    assert api.puts == {1: 1, 2: 1, 3: 2}
    assert seen == [2 * PART_SIZE, 2 * PART_SIZE + 500]
    assert api.bytes_of(only_upload(api)) == three_parts.read_bytes()
    assert asset_id in api.assets


def test_a_completed_upload_is_not_sent_again(api: FakeApi, client: Client, three_parts: Path) -> None:
    asset_id = client.upload_file(three_parts)

    assert client.upload_file(three_parts, upload_id=only_upload(api)) == asset_id
    assert api.puts.total() == 3


def test_another_file_does_not_go_on_with_it(api: FakeApi, client: Client, clip: Clip) -> None:
    upload = client.open_upload(clip(1_500))

    with pytest.raises(ChangedError, match="has 1400 bytes"):
        client.send_file(upload, clip(1_400))


def test_a_file_written_to_meanwhile_is_not_completed(api: FakeApi, client: Client, three_parts: Path) -> None:
    def write_to_it(there: int, total: int) -> None:
        if there == total:
            three_parts.write_bytes(b"x" * total)

    with pytest.raises(ChangedError, match="changed while it was sent"):
        client.upload_file(three_parts, on_progress=write_to_it)

    assert api.uploads[only_upload(api)]["state"] == "receiving"


def test_what_the_store_does_not_hold_is_a_failure(api: FakeApi, client: Client, clip: Clip) -> None:
    api.upload_failure = {"code": "size_mismatch", "message": "9 bytes came, 10 were declared"}

    with pytest.raises(FailedError, match="9 bytes came") as failed:
        client.upload_file(clip(10))

    assert failed.value.code == "size_mismatch"
