"""Programs in the sandbox start for every task: they import no more than they need."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("program", ["read_source", "take_subtitles"])
def test_a_program_starts_without_what_only_playlists_need(program: str) -> None:
    said = f"import sys, services.transcode.worker.{program}; print('langcodes' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "False"
