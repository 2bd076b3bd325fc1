"""The doctor finds nothing wrong here, and says what to do where something is."""

from pathlib import Path

import pytest

from local import wheels
from local.doctor import diagnose, wheel
from local.errors import CannotRunError


def test_this_machine_can_run_the_mesh(tmp_path: Path) -> None:
    checks = diagnose(tmp_path / "not" / "yet")
    assert [check for check in checks if not check.ok] == []
    details = {check.name: check.detail for check in checks}
    assert "18." in details["PostgreSQL"]
    assert "2.15" in details["NATS"]
    assert not (tmp_path / "not").exists()


def test_a_missing_wheel_has_a_remedy() -> None:
    with pytest.raises(CannotRunError, match="not installed"):
        wheels.from_wheel("no-such-wheel", "program")
    check = wheel("Program", lambda: wheels.from_wheel("no-such-wheel", "program"), "--version")
    assert not check.ok
    assert "pip install" in check.remedy


def test_a_program_that_does_not_start_is_found(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert not wheel("Program", lambda: broken, "--version").ok


def test_a_home_that_cannot_be_written_has_a_remedy() -> None:
    checks = {check.name: check for check in diagnose(Path("/proc/home"))}
    assert not checks["Home"].ok
    assert "REELMESH_HOME" in checks["Home"].remedy
