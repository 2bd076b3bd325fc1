"""Waiting for an asset."""

import pytest
from reelmesh_client.errors import ProblemError
from reelmesh_client.models import Asset, Failure, Job
from reelmesh_client.watching import Standing, standings

NOT_MEDIA = Failure(code="not_media", message="it is text")


def an_asset(state: str, error: Failure | None = None) -> Asset:
    return Asset(id="a", state=state, error=error, raw={})


def a_job(state: str, progress: float = 0.5, error: Failure | None = None) -> Job:
    return Job(id="j", state=state, progress=progress, error=error, raw={})


def test_it_goes_on_until_the_asset_is_ready() -> None:
    states = iter(["uploaded", "processing", "ready"])

    seen = list(standings(lambda: an_asset(next(states)), lambda: a_job("running"), every=0))

    assert [standing.over for standing in seen] == [False, False, True]
    assert [standing.progress for standing in seen] == [0.5, 0.5, 1.0]


def test_news_of_the_asset_may_take_a_moment() -> None:
    unknown = [ProblemError(status=404, code="asset_not_found", detail="d")]

    def get_asset() -> Asset:
        if unknown:
            raise unknown.pop()
        return an_asset("ready")

    assert [standing.asset is None for standing in standings(get_asset, lambda: None, every=0)] == [True, False]


def test_other_problems_are_not_waited_out() -> None:
    def refused() -> Asset:
        raise ProblemError(status=403, code="missing_scope", detail="d")

    with pytest.raises(ProblemError):
        next(standings(refused, lambda: None, every=0))


def test_why_there_will_be_no_stream() -> None:
    assert Standing(asset=an_asset("failed", NOT_MEDIA), job=None).failure == NOT_MEDIA
    deleted = Standing(asset=an_asset("deleted"), job=a_job("running")).failure
    assert deleted is not None
    assert deleted.code == "deleted"


def test_a_failed_job_is_news_on_its_way_to_the_asset() -> None:
    assert not Standing(asset=an_asset("processing"), job=a_job("failed", error=NOT_MEDIA)).over


def test_a_ready_asset_stays_right_when_a_later_job_fails() -> None:
    standing = Standing(asset=an_asset("ready"), job=a_job("failed", error=NOT_MEDIA))

    assert standing.over
    assert standing.failure is None
