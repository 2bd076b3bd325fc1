"""How long things are kept, as the environment says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshkit.settings import load
from services.metadata.main import Settings
from services.metadata.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = (
    "DATABASE_URL NATS_URL IDENTITY_ADDR S3_ENDPOINT_URL S3_PUBLIC_ENDPOINT_URL S3_BUCKET S3_ACCESS_KEY_ID "
    "S3_SECRET_ACCESS_KEY"
)


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ({}, Policy(original_days=None, deleted_days=30)),
        (
            {"RETENTION_DELETED_DAYS": "forever", "RETENTION_ORIGINAL_DAYS": "0"},
            Policy(original_days=0, deleted_days=None),
        ),
    ],
)
def test_days_or_for_ever(monkeypatch: pytest.MonkeyPatch, said: Mapping[str, str], policy: Policy) -> None:
    for name, value in (dict.fromkeys(NEEDED.split(), "x") | {"GRPC_PORT": "1"} | dict(said)).items():
        monkeypatch.setenv(name, value)
    assert load(Settings).policy == policy


def test_anything_else_ends_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RETENTION_DELETED_DAYS", "never")
    with pytest.raises(SystemExit):
        load(Settings)
    assert "RETENTION_DELETED_DAYS" in capsys.readouterr().err
