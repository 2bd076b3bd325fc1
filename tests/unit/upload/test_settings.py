"""What may come in, as the environment says it."""

from __future__ import annotations

import json

import pytest

from meshkit.errors import TooLarge, UnsupportedMedia
from meshkit.ids import new_id
from meshkit.settings import load
from services.upload.formats import DEFAULT_FORMATS
from services.upload.main import Settings

NEEDED = (
    *("DATABASE_URL", "NATS_URL", "IDENTITY_ADDR", "S3_ENDPOINT_URL", "S3_PUBLIC_ENDPOINT_URL", "S3_BUCKET"),
    *("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"),
)
USUAL = {
    *("mp4", "mov", "mkv", "avi", "wmv", "webm", "mpegts", "jpeg", "png", "webp", "gif"),
    *("mp3", "m4a", "aac", "wav", "flac", "ogg"),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NEEDED:
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("GRPC_PORT", "1")
    return monkeypatch


def test_the_usual_formats_are_taken_up_to_five_gibibytes(environment: pytest.MonkeyPatch) -> None:
    policy = load(Settings).policy_of(new_id())
    policy.check_size(5 << 30)
    assert policy.formats == DEFAULT_FORMATS
    assert policy.formats >= USUAL


def test_a_tenant_may_have_a_policy_of_its_own(environment: pytest.MonkeyPatch) -> None:
    tenant = new_id()
    environment.setenv("TENANT_POLICIES", json.dumps({tenant: {"max_size": 10, "formats": ["mp4"]}}))
    policy_of = load(Settings).policy_of
    policy_of(new_id()).check_type("a.mov", "")
    policy_of(tenant).check_type("a.mp4", "video/mp4")
    with pytest.raises(UnsupportedMedia, match="unsupported_type"):
        policy_of(tenant).check_type("a.mov", "")
    with pytest.raises(TooLarge, match="too_large"):
        policy_of(tenant).check_size(11)


@pytest.mark.parametrize("policy", ['{"formats": ["exe"]}', '{"max_size": 0}', '{"max_size": 1e20}', "nonsense"])
def test_a_policy_that_cannot_be_ends_the_start(environment: pytest.MonkeyPatch, policy: str) -> None:
    environment.setenv("UPLOAD_POLICY", policy)
    with pytest.raises(SystemExit):
        load(Settings)
