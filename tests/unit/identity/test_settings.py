"""What the identity service refuses to start with."""

from __future__ import annotations

import json

import pytest

from meshkit.settings import load
from services.identity.main import Settings

KEY = "rmk_0123456789abcdefghijkl"
OTHER = "rmk_abcdefghijkl0123456789"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOOTSTRAP_API_KEY", "SERVICE_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRPC_PORT", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://x")
    monkeypatch.setenv("NATS_URL", "nats://x")


def test_keys_are_read_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTSTRAP_API_KEY", KEY)
    monkeypatch.setenv("SERVICE_KEYS", json.dumps({"gateway": OTHER}))
    settings = load(Settings)
    assert (settings.bootstrap_api_key, settings.service_keys) == (KEY, {"gateway": OTHER})
    assert KEY not in repr(settings)
    assert OTHER not in repr(settings)


def test_keys_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(Settings)
    assert (settings.bootstrap_api_key, settings.service_keys) == ("", {})


@pytest.mark.parametrize(
    ("bootstrap", "services", "said"),
    [
        ("rmk_easily-guessed", {}, "BOOTSTRAP_API_KEY"),
        (KEY, {"gateway": "short"}, "SERVICE_KEYS.GATEWAY"),
        (KEY, {"nobody": OTHER}, "no such services: nobody"),
        (KEY, {"gateway": KEY}, "SERVICE_KEYS"),
        (KEY, {"gateway": OTHER, "transcode-worker": OTHER}, "SERVICE_KEYS"),
    ],
)
def test_keys_that_cannot_be_right_are_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    bootstrap: str,
    services: dict[str, str],
    said: str,
) -> None:
    monkeypatch.setenv("BOOTSTRAP_API_KEY", bootstrap)
    monkeypatch.setenv("SERVICE_KEYS", json.dumps(services))
    with pytest.raises(SystemExit, match="2"):
        load(Settings)
    error = capsys.readouterr().err
    assert said in error
    assert not any(secret in error for secret in (bootstrap, *services.values()))


def test_what_is_no_json_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_KEYS", f"gateway={KEY}")
    with pytest.raises(SystemExit, match="2"):
        load(Settings)
    error = capsys.readouterr().err
    assert "service_keys" in error
    assert KEY not in error
