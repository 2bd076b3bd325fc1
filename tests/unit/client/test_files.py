"""A file as the parts of an upload."""

from pathlib import Path

import pytest
from reelmesh_client.errors import ChangedError
from reelmesh_client.files import Piece, missing, pieces, source_at
from reelmesh_client.models import ReceivedPart, Upload


def an_upload(size: int, part_size: int = 10) -> Upload:
    return Upload(id="u", asset_id="a", state="receiving", size=size, part_size=part_size, raw={})


def test_parts_are_equal_but_the_last() -> None:
    assert pieces(an_upload(25)) == [
        Piece(number=1, offset=0, size=10),
        Piece(number=2, offset=10, size=10),
        Piece(number=3, offset=20, size=5),
    ]
    assert [piece.size for piece in pieces(an_upload(20))] == [10, 10]


def test_an_empty_file_is_one_empty_part() -> None:
    assert pieces(an_upload(0)) == [Piece(number=1, offset=0, size=0)]


def test_parts_of_the_wrong_size_are_missing_still() -> None:
    received = [ReceivedPart(part_number=1, size=10), ReceivedPart(part_number=3, size=4)]

    assert [piece.number for piece in missing(pieces(an_upload(25)), received)] == [2, 3]


def test_a_part_is_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(b"0123456789abcdefghij-tail")

    assert b"".join(source_at(path).blocks(Piece(number=2, offset=10, size=10))) == b"abcdefghij"


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(b"0123456789")
    source = source_at(path)
    source.unchanged()
    path.write_bytes(b"01234")

    with pytest.raises(ChangedError, match="changed"):
        source.unchanged()
    with pytest.raises(ChangedError, match="shorter"):
        list(source.blocks(Piece(number=1, offset=0, size=10)))


def test_the_content_type_is_that_of_the_name(tmp_path: Path) -> None:
    for name, expected in (("a.mp4", "video/mp4"), ("a.unheard-of", "")):
        (tmp_path / name).touch()
        assert source_at(tmp_path / name).content_type == expected
