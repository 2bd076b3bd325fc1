"""A process that lacks settings says all that it lacks, and does not start."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from meshkit.settings import DatabaseSettings, GrpcSettings, load


class Both(GrpcSettings, DatabaseSettings):
    pass


def test_every_missing_name_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GRPC_PORT", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as caught:
        load(Both)
    assert caught.value.code == 2
    assert set(capsys.readouterr().err.split()) >= {"GRPC_PORT:", "DATABASE_URL:"}


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPC_PORT", "4000")
    settings = load(GrpcSettings)
    assert settings.grpc_port == 4000
    with pytest.raises(ValidationError):
        settings.grpc_port = 1
