"""What is shown where nobody sits at a terminal."""

import json

import pytest
from reelmesh_client.errors import ProblemError
from reelmesh_client.screen import Screen, bytes_of, plain


def test_a_table_is_tabs_without_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().table(("ID", "SIZE"), [("a", 1), ("b", "")])

    assert capsys.readouterr().out == "a\t1\nb\t\n"


def test_names_and_values_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().pairs({"asset": "a", "error": "", "dash_url": None, "votes": 0})

    assert capsys.readouterr().out == "asset: a\nvotes: 0\n"


def test_control_codes_of_strangers_do_not_get_through(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().table(("FILE",), [("a\x1b[31m\n\tb.mp4",)])

    assert capsys.readouterr().out == "a [31m  b.mp4\n"
    assert plain("ünïcode \u202ex") == "ünïcode  x"


def test_progress_is_a_line_a_tenth_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen().meter() as meter:
        for done in (0.0, 0.04, 0.11, 0.12, 0.55, 1.0, 1.0):
            meter.show("upload", done, "3 B")

    assert capsys.readouterr() == ("", "".join(f"upload {done} % 3 B\n" for done in (0, 10, 50, 100)))


def test_progress_that_goes_back_is_not_told_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen().meter() as meter:
        for done in (0.5, 0.3, 0.55):
            meter.show("upload", done)

    assert capsys.readouterr().err == "upload 50 %\n"


def test_an_error_is_one_line_with_its_code_and_trace(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.as_json = True

    screen.failed(ProblemError(status=404, code="asset_not_found", detail="no such\nasset", trace_id="0af7"))

    out, err = capsys.readouterr()
    assert err == "reelmesh: asset_not_found: no such asset (trace 0af7)\n"
    assert json.loads(out)["error"] == {"code": "asset_not_found", "message": "no such\nasset", "trace_id": "0af7"}


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (1 << 50, "1024.0 TiB")]
)
def test_bytes(count: int, shown: str) -> None:
    assert bytes_of(count) == shown
