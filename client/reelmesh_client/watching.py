"""How an asset is doing, until it is over with it one way or the other."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reelmesh_client.errors import ProblemError
from reelmesh_client.models import Asset, Failure, Job

APPEARS_WITHIN = 60.0
"""Seconds after its upload in which an asset may still be unknown: the news of it travels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An asset, and the newest of its jobs; neither may be there yet."""

    asset: Asset | None
    job: Job | None

    @property
    def failure(self) -> Failure | None:
        """Why there will be no stream. The asset says it: that a job failed is news still on its way there."""
        if self.asset is None or self.asset.state not in {"failed", "deleted"}:
            return None
        return self.asset.error or Failure(code=self.asset.state, message=f"the asset is {self.asset.state}")

    @property
    def ready(self) -> bool:
        return self.asset is not None and self.asset.state == "ready"

    @property
    def over(self) -> bool:
        return self.ready or self.failure is not None

    @property
    def progress(self) -> float:
        return 1.0 if self.ready else self.job.progress if self.job else 0.0


def standings(
    get_asset: Callable[[], Asset], newest_job: Callable[[], Job | None], *, every: float
) -> Iterator[Standing]:
    """One now and one every so many seconds; the last one is `over`."""
    hopeless = time.monotonic() + APPEARS_WITHIN
    while True:
        standing = Standing(asset=_if_known(get_asset, time.monotonic() < hopeless), job=newest_job())
        yield standing
        if standing.over:
            return
        time.sleep(every)


def _if_known(get_asset: Callable[[], Asset], may_be_unknown: bool) -> Asset | None:
    try:
        return get_asset()
    except ProblemError as problem:
        if problem.status == 404 and may_be_unknown:
            return None
        raise
