"""What a request says besides its id."""

from __future__ import annotations

from reelmesh.upload.v1 import upload_pb2

from meshkit import once


def said(request_id: str, **fields: object) -> tuple[str, str] | None:
    once.begin(upload_pb2.CreateUploadRequest(request_id=request_id, **fields))  # type: ignore[arg-type]
    return once._said.get()


def test_the_same_request_says_the_same_whatever_its_id() -> None:
    labels = {"a": "1", "b": "2", "c": "3"}
    turned = dict(reversed(labels.items()))
    first = said("one", file_name="a.mp4", size=3, labels=labels)
    assert first == said("other", file_name="a.mp4", size=3, labels=turned)
    assert first == said("one", file_name="a.mp4", size=3, labels=labels, in_series=True)
    assert first != said("one", file_name="a.mp4", size=4, labels=labels)


def test_what_has_no_id_is_not_looked_at() -> None:
    assert said("", file_name="a.mp4") is None
    once.begin(upload_pb2.GetUploadRequest(upload_id="x"))
    assert once._said.get() is None
