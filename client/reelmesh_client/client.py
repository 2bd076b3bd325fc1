"""The public HTTP API, typed. Every call raises a ClientError, and nothing else, when it does not work out."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from reelmesh_client.errors import ChangedError, FailedError
from reelmesh_client.events import Feed
from reelmesh_client.files import Source, missing, pieces, source_at
from reelmesh_client.models import (
    ApiKey,
    Asset,
    Event,
    Job,
    Json,
    Playback,
    ReceivedPart,
    SignedPart,
    Upload,
    received_parts,
    signed_parts,
)
from reelmesh_client.sending import OnProgress, Sender, Signatures, Tally
from reelmesh_client.transport import Transport, understanding
from reelmesh_client.watching import Standing, standings

T = TypeVar("T")
LARGE_PAGES = {"page_size": "200"}
PARALLEL = 4


class Client:
    """One mesh, as one user sees it. Usable from several threads."""

    def __init__(self, url: str, api_key: str | Callable[[], str]) -> None:
        """`api_key` may be a function: it is asked before each request for the key or access token of that moment."""
        self._transport = Transport(url, api_key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def create_upload(
        self,
        *,
        file_name: str,
        size: int,
        content_type: str = "",
        sha256: str = "",
        preset: str = "",
        labels: Mapping[str, str] | None = None,
        visibility: str = "",
        passthrough: str = "",
        idempotency_key: str = "",
    ) -> Upload:
        """An open upload with its first signed parts. The same `idempotency_key` gives the same upload."""
        wanted = {
            "content_type": content_type,
            "sha256": sha256,
            "preset": preset,
            "labels": dict(labels or {}),
            "visibility": visibility,
            "passthrough": passthrough,
        }
        body = {"file_name": file_name, "size": size} | {name: value for name, value in wanted.items() if value}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._call(Upload.from_json, "POST", "/v1/uploads", json=body, headers=headers)

    def get_upload(self, upload_id: str) -> Upload:
        return self._call(Upload.from_json, "GET", at("uploads", upload_id))

    def sign_parts(self, upload_id: str, part_numbers: Sequence[int]) -> list[SignedPart]:
        body = {"part_numbers": list(part_numbers)}
        return self._call(signed_parts, "POST", f"{at('uploads', upload_id)}/parts", json=body)

    def list_parts(self, upload_id: str) -> list[ReceivedPart]:
        """The parts that the object store has by now."""
        return self._call(received_parts, "GET", f"{at('uploads', upload_id)}/parts")

    def complete(self, upload_id: str) -> Upload:
        """Calling it twice is the same as once. Raises FailedError when the store holds something else."""
        upload = self._call(Upload.from_json, "POST", f"{at('uploads', upload_id)}/complete", json={})
        if upload.state == "failed":
            code, message = (upload.error.code, upload.error.message) if upload.error else ("upload_failed", "")
            raise FailedError(code, message or "the upload failed")
        return upload

    def get_asset(self, asset_id: str) -> Asset:
        return self._call(Asset.from_json, "GET", at("assets", asset_id))

    def list_assets(
        self, *, kind: str = "", state: str = "", visibility: str = "", labels: Mapping[str, str] | None = None
    ) -> Iterator[Asset]:
        """Newest first, fetched page by page as they are asked for."""
        by_label = {f"label.{name}": value for name, value in (labels or {}).items()}
        wanted = {"kind": kind, "state": state, "visibility": visibility} | by_label
        return self._pages("/v1/assets", given(wanted) | LARGE_PAGES, Asset.from_json)

    def playback(self, asset_id: str) -> Playback:
        return self._call(Playback.from_json, "GET", f"{at('assets', asset_id)}/playback")

    def get_job(self, job_id: str) -> Job:
        return self._call(Job.from_json, "GET", at("jobs", job_id))

    def list_jobs(self, *, state: str = "", asset_id: str = "") -> Iterator[Job]:
        """Newest first, fetched page by page as they are asked for."""
        return self._pages("/v1/jobs", given({"state": state, "asset_id": asset_id}) | LARGE_PAGES, Job.from_json)

    def cancel_job(self, job_id: str) -> Job:
        return self._call(Job.from_json, "POST", f"{at('jobs', job_id)}/cancel")

    def create_api_key(self, name: str, scopes: Sequence[str], *, expires_at: datetime | None = None) -> ApiKey:
        """A key with scopes that the caller has itself. Its secret is told once: a lost answer takes it along."""
        body: dict[str, object] = {"name": name, "scopes": list(scopes)}
        if expires_at:
            body["expires_at"] = expires_at.isoformat()
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._call(ApiKey.from_json, "POST", "/v1/api-keys", json=body, headers=headers)

    def list_api_keys(self) -> Iterator[ApiKey]:
        """Newest first, without their secrets."""
        return self._pages("/v1/api-keys", LARGE_PAGES, ApiKey.from_json)

    def delete_api_key(self, key_id: str) -> None:
        self._transport.call("DELETE", at("api-keys", key_id))

    def quotas(self) -> Json:
        """What the tenant has used of each of its quotas."""
        return self._call(dict, "GET", "/v1/quotas")

    def list_tenants(self) -> Iterator[Json]:
        """For the operator: every tenant, newest first."""
        return self._pages("/v1/tenants", LARGE_PAGES, dict)

    def get_tenant(self, tenant_id: str) -> Json:
        return self._call(dict, "GET", at("tenants", tenant_id))

    def update_tenant(self, tenant_id: str, settings: Mapping[str, int | str | None]) -> Json:
        """Other limits and templates; None is the platform's default again."""
        return self._call(dict, "PATCH", at("tenants", tenant_id), json=dict(settings))

    def events(
        self, *, asset_id: str = "", job_id: str = "", types: Sequence[str] = (), last_event_id: str = ""
    ) -> Iterator[Event]:
        """What happens from now on, or after `last_event_id`; endless, and without a gap when the connection breaks."""
        wanted = {"asset_id": asset_id, "job_id": job_id, "types": ",".join(types)}
        return iter(Feed(self._transport, given(wanted), last_event_id))

    def watch(self, asset_id: str, *, every: float = 0.5) -> Iterator[Standing]:
        """How the asset is doing, until it is ready or will never be."""
        return standings(
            lambda: self.get_asset(asset_id), lambda: next(self.list_jobs(asset_id=asset_id), None), every=every
        )

    def open_upload(
        self, path: Path, *, preset: str = "", labels: Mapping[str, str] | None = None, visibility: str = ""
    ) -> Upload:
        """An upload for this file, to be sent with `send_file`."""
        source = source_at(path)
        return self.create_upload(
            file_name=path.name,
            size=source.size,
            content_type=source.content_type,
            preset=preset,
            labels=labels,
            visibility=visibility,
        )

    def send_file(
        self, upload: Upload, path: Path, *, parallel: int = PARALLEL, on_progress: OnProgress | None = None
    ) -> Upload:
        """Send the parts that are not there yet, and complete. Raises ChangedError for a file of another size."""
        if upload.state == "completed":
            return upload
        source = source_at(path)
        if source.size != upload.size:
            raise ChangedError(f"{path} has {source.size} bytes, the upload was opened for {upload.size}")
        self._send(upload, source, parallel, on_progress)
        source.unchanged()
        return self.complete(upload.id)

    def upload_file(
        self,
        path: Path,
        *,
        preset: str = "",
        labels: Mapping[str, str] | None = None,
        visibility: str = "",
        parallel: int = PARALLEL,
        on_progress: OnProgress | None = None,
        upload_id: str = "",
    ) -> str:
        """The id of the asset that the file becomes. `upload_id` goes on with an upload that was broken off."""
        upload = (
            self.get_upload(upload_id)
            if upload_id
            else self.open_upload(path, preset=preset, labels=labels, visibility=visibility)
        )
        return self.send_file(upload, path, parallel=parallel, on_progress=on_progress).asset_id

    def _send(self, upload: Upload, source: Source, parallel: int, on_progress: OnProgress | None) -> None:
        wanted = pieces(upload)
        # An upload that comes with signed parts was opened a moment ago: nothing of it is there.
        todo = wanted if upload.parts else missing(wanted, self.list_parts(upload.id))
        tally = Tally(upload.size, on_progress)
        tally.add(upload.size - sum(piece.size for piece in todo))
        signatures = Signatures(
            lambda numbers: self.sign_parts(upload.id, numbers), [piece.number for piece in todo], upload.parts
        )
        Sender(source, signatures, tally, parallel).send(todo)

    def _pages(self, path: str, params: Mapping[str, str], read: Callable[[Json], T]) -> Iterator[T]:
        page_token = ""
        while True:
            wanted = {**params, "page_token": page_token} if page_token else params
            items, page_token = self._call(partial(page_of, read), "GET", path, params=wanted)
            yield from items
            if not page_token:
                return

    def _call(self, read: Callable[[Json], T], method: str, path: str, **request: Any) -> T:
        answer = self._transport.call(method, path, **request)
        with understanding(self._transport.url):
            return read(answer)


def page_of(read: Callable[[Json], T], answer: Json) -> tuple[list[T], str]:
    return [read(item) for item in answer["items"]], answer.get("next_page_token") or ""


def at(collection: str, id: str) -> str:  # noqa: A002
    """Whatever the id holds, it stays one segment of the path."""
    return f"/v1/{collection}/{quote(id, safe='')}"


def given(params: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if value}
