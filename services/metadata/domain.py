"""An asset: what an upload became, on its way from the source to something that plays."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from unicodedata import category

from meshkit.errors import Conflict, FieldError, InvalidArgument, NotFound
from services.metadata.jobs import OutputState
from services.metadata.kinds import guess_kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from services.metadata.analysis import Analysis
    from services.metadata.jobs import Job, Media, Output
    from services.metadata.kinds import Kind


_UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}


class State(StrEnum):
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETED = "deleted"


class Visibility(StrEnum):
    PRIVATE = "private"
    PUBLIC = "public"


class Fact(StrEnum):
    """What can be said of an asset after a change."""

    CREATED = "created"
    UPDATED = "updated"
    PLAYABLE = "playable"
    READY = "ready"
    FAILED = "failed"
    DELETED = "deleted"
    RESTORED = "restored"
    SOURCE_DELETED = "source_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that came in whole, with the id of its asset; `size` in bytes."""

    id: str
    tenant_id: str
    upload_id: str
    file_name: str
    size: int
    content_type: str
    labels: Mapping[str, str]
    visibility: Visibility
    passthrough: str
    object_key: str
    preset: str = ""
    declared_sha256: str = ""
    job: Mapping[str, Any] = field(default_factory=dict)
    job_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What somebody wants changed; None leaves as it is."""

    labels: Mapping[str, str] | None = None
    visibility: Visibility | None = None
    passthrough: str | None = None
    file_name: str | None = None

    def values(self) -> dict[str, Any]:
        """Raises InvalidArgument for a value that no asset may have."""
        name = self.file_name
        if name is not None and (not name or any(each in "/\\" or category(each) in _UNSHOWN for each in name)):
            wrong = FieldError("file_name", "is empty, or has a slash or a character that cannot be shown")
            raise InvalidArgument("invalid_file_name", wrong.message, fields=(wrong,))
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A transition gives the next value, or the same one where it has nothing to say; nothing moves a deleted asset.

    An asset follows one job, `job_id`, until it is ready: `object_prefix` and `playable` are that job's. From then on
    only what another job finished counts, so that a second job can add to an asset and never spoil it. At first it is
    the one that the upload brings about.
    """

    id: str
    tenant_id: str
    upload_id: str
    kind: Kind | None
    state: State
    playable: bool = False
    file_name: str
    size: int
    content_type: str
    sha256: str = ""
    labels: Mapping[str, str]
    visibility: Visibility
    passthrough: str
    error_code: str = ""
    error_message: str = ""
    media: Media | None = None
    outputs: tuple[Output, ...] = ()
    analysis: Analysis | None = None
    object_key: str
    playback_id: str
    preset: str = ""
    """Of the job that the upload asked for."""
    job: Mapping[str, Any] = field(default_factory=dict)
    """What else it asked for, in transcode's own words."""
    declared_sha256: str = ""
    job_id: str = ""
    job_attempts: int = 0
    """A job that failed may be begun again."""
    object_prefix: str = ""
    votes: int = 0
    """Not part of what the revision counts: a vote is no change of the asset."""
    create_time: datetime
    update_time: datetime
    ready_time: datetime | None = None
    delete_time: datetime | None = None
    deleted_state: State | None = None
    """What a deleted asset was before."""
    source_delete_time: datetime | None = None
    """Since when only what jobs made of the source is left."""
    revision: int = 1

    @property
    def etag(self) -> str:
        return hashlib.sha256(f"{self.id}.{self.revision}".encode()).hexdigest()[:32]

    @property
    def folder(self) -> str:
        """Where all of its objects lie, and nobody else's."""
        return self.object_key.rpartition("/")[0] + "/"

    def start(self, job: Job, now: datetime) -> Asset:
        """In the works, and what the job knows of the source. After a failure: by a newer job or its own again."""
        return self._follow(job, now, state=State.PROCESSING, error_code="", error_message="")

    def play(self, job: Job, now: datetime) -> Asset:
        """A player can start, though the rest is still on its way."""
        values = {"playable": True, "object_prefix": job.object_prefix, "error_code": "", "error_message": ""}
        return self._follow(job, now, state=State.PROCESSING, **values)

    def succeed(self, job: Job, now: datetime) -> Asset:
        """Ready, by whichever job. What plays is the newest that does: not every job makes something to play."""
        values: dict[str, Any] = {"state": State.READY, "error_code": "", "error_message": ""}
        values["ready_time"] = self.ready_time or now
        newest = self.state is not State.READY or job.id >= self.job_id
        if newest and (job.playable or not self.playable):
            values |= {"job_id": job.id, "playable": job.playable, "object_prefix": job.object_prefix}
        return self._with(job, now, **values)

    def fail(self, job: Job, now: datetime) -> Asset:
        values = {"error_code": job.error_code or "job_failed", "error_message": job.error_message}
        failed = self._follow(job, now, state=State.FAILED, playable=False, object_prefix="", **values)
        return self._lose(job, now) if failed is self else failed

    def _lose(self, job: Job, now: datetime) -> Asset:
        """What the job had begun to make will not be, though the asset is none the worse."""
        if self.state is State.DELETED:
            return self
        lost = {output.id: output for output in job.outputs}
        begun = [output for output in self.outputs if output.state is OutputState.PREPARING]
        kept = tuple(lost.get(output.id, output) if output in begun else output for output in self.outputs)
        return self._changed(now, outputs=kept)

    def cancel(self, job: Job, now: datetime) -> Asset:
        return self.fail(replace(job, error_code="job_cancelled", error_message="the job was cancelled"), now)

    def update(self, changes: Changes, now: datetime, etag: str = "") -> Asset:
        """Raises Conflict when the asset is deleted, or no longer the one that `etag` names.

        An asset that is as wanted already is right whatever the etag (RFC 9110 section 13.1.1): it may be a repeat.
        """
        if self.state is State.DELETED:
            raise Conflict("asset_deleted", "the asset is deleted")
        changed = self._changed(now, **changes.values())
        if changed is not self:
            self._expect(etag)
        return changed

    def delete(self, now: datetime, etag: str = "") -> Asset:
        """Hidden from now on. Raises Conflict as `update` does; deleting twice is the same as once."""
        if self.state is State.DELETED:
            return self
        self._expect(etag)
        values: dict[str, Any] = {"state": State.DELETED, "delete_time": now, "deleted_state": self.state}
        if self.analysis:
            # Nobody goes on asking.
            values["analysis"] = self.analysis.fail("asset_deleted", "the asset was deleted meanwhile", now)
        return self._changed(now, **values)

    def restore(self, now: datetime, etag: str = "") -> Asset:
        """As it was before it was deleted; what was not finished then begins anew. Not deleted: the same asset."""
        if self.state is not State.DELETED:
            return self
        self._expect(etag)
        values: dict[str, Any] = {"state": self.deleted_state or State.UPLOADED}
        if values["state"] in {State.UPLOADED, State.PROCESSING}:
            # Its job ended with the deletion.
            left = tuple(output for output in self.outputs if output.job_id != self.job_id)
            values |= {"state": State.UPLOADED, "playable": False, "object_prefix": "", "outputs": left}
        return self._changed(now, delete_time=None, deleted_state=None, **values)

    def analyse(self, analysis: Analysis, now: datetime) -> Asset:
        """With what an outside service does about it; whatever that is, the asset is none the worse."""
        return self if self.state is State.DELETED else self._changed(now, analysis=analysis)

    def delete_source(self, now: datetime) -> Asset:
        """Without its source from now on; what jobs made of it stays."""
        return self if self.source_delete_time else self._changed(now, source_delete_time=now)

    def present(self) -> Asset:
        """The same asset. Raises NotFound when it is deleted."""
        if self.state is State.DELETED:
            raise NotFound("asset_not_found", "the asset is deleted")
        return self

    def source(self) -> Asset:
        """The same asset. Raises NotFound where there is no source to read."""
        if self.present().source_delete_time:
            raise NotFound("source_deleted", "the source is no longer kept")
        return self

    def _follow(self, job: Job, now: datetime, **values: Any) -> Asset:
        match self.state:
            case State.UPLOADED:
                follows = True
            case State.PROCESSING:
                # A newer job takes over only what does not play yet.
                again = job.id == self.job_id and job.attempts >= self.job_attempts
                follows = again or (job.id > self.job_id and not self.playable)
            case State.FAILED:
                follows = (job.id, job.attempts) > (self.job_id, self.job_attempts)
            case _:
                follows = False
        return self._with(job, now, job_id=job.id, job_attempts=job.attempts, **values) if follows else self

    def _with(self, job: Job, now: datetime, **values: Any) -> Asset:
        if self.state is State.DELETED:
            return self
        if job.media:
            values |= {"media": job.media, "kind": job.kind or self.kind, "sha256": job.sha256 or self.sha256}
        if job.outputs:
            others = tuple(output for output in self.outputs if output.job_id != job.id)
            values["outputs"] = others + job.outputs
        return self._changed(now, **values)

    def _changed(self, now: datetime, **values: Any) -> Asset:
        changed = replace(self, **values)
        return self if changed == self else replace(changed, update_time=now, revision=self.revision + 1)

    def _expect(self, etag: str) -> None:
        if etag and etag != self.etag:
            raise Conflict("etag_mismatch", "the asset was changed meanwhile")


def asset_of(source: Source, *, playback_id: str, now: datetime) -> Asset:
    """A new asset."""
    kind = guess_kind(source.content_type, source.file_name)
    state = State.UPLOADED
    return Asset(**asdict(source), kind=kind, state=state, playback_id=playback_id, create_time=now, update_time=now)


def fact(before: Asset, after: Asset) -> Fact:
    """What to say of the change from `before` to `after`."""
    if before.state is State.DELETED:
        return Fact.RESTORED
    if after.source_delete_time and not before.source_delete_time:
        return Fact.SOURCE_DELETED
    if after.state is not before.state and after.state in {State.READY, State.FAILED, State.DELETED}:
        return Fact(after.state)
    return Fact.PLAYABLE if after.playable and not before.playable else Fact.UPDATED
