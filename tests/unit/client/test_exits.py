"""Exit codes: a script relies on each number."""

import pytest
from reelmesh_client.cli import EPILOG
from reelmesh_client.errors import ChangedError, ConfigError, FailedError, ProblemError, UnreachableError
from reelmesh_client.exits import MEANING, Exit, exit_for


def test_the_numbers_never_change() -> None:
    assert {each.name: int(each) for each in Exit} == {
        "OK": 0,
        "UNEXPECTED": 1,
        "USAGE": 2,
        "NO_MESH": 3,
        "REFUSED": 4,
        "NOT_FOUND": 5,
        "INVALID": 6,
        "FAILED": 7,
        "LACKING": 8,
        "INTERRUPTED": 130,
    }


def test_every_number_is_in_the_help() -> None:
    assert set(MEANING) == set(Exit)
    assert all(meaning in EPILOG for meaning in MEANING.values())


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 6), (401, 4), (403, 4), (404, 5), (409, 6), (413, 6), (415, 6), (429, 3), (500, 1), (503, 3)],
)
def test_answers(status: int, code: int) -> None:
    assert exit_for(ProblemError(status=status, code="c", detail="d")) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreachableError("x"), 3),
        (ConfigError("x"), 3),
        (FailedError("not_media", "x"), 7),
        (ChangedError("x"), 7),
        (ValueError("x"), 1),
    ],
)
def test_errors(error: Exception, code: int) -> None:
    assert exit_for(error) == code
