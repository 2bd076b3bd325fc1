"""Bodies and queries of the API as requests to the services, and what they answer in the shape of the API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from google.protobuf.field_mask_pb2 import FieldMask
from pydantic_core import to_json
from reelmesh.metadata.v1 import metadata_pb2
from reelmesh.upload.v1 import upload_pb2

from meshkit import public
from meshkit.errors import FieldError, InvalidArgument
from services.gateway import job_wire, links

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.gateway.bodies import AssetPatch, CompleteRequest
    from services.gateway.links import Links
    from services.gateway.upload_bodies import UploadFields

_LABEL = "label."
_BOUND = re.compile(r"label\.([A-Za-z0-9][A-Za-z0-9_.-]{0,62})\[(gte?|lte?)\]")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?", re.ASCII)


def to_create_upload(
    body: UploadFields, request_id: str, *, file_name: str, size: int | None
) -> upload_pb2.CreateUploadRequest:
    """`size` None: not known before the last byte. Raises InvalidArgument."""
    create = upload_pb2.CreateUploadRequest(
        request_id=request_id,
        file_name=file_name,
        size=size or 0,
        size_deferred=size is None,
        content_type=body.content_type or "",
        sha256=(body.sha256 or "").lower(),
        preset=body.preset or "",
        labels=body.labels,
        visibility=upload_pb2.Visibility.Value(f"VISIBILITY_{body.visibility.upper()}"),
        passthrough=body.passthrough or "",
    )
    return job_wire.add_job(create, body.job)


def file_name_of(url: str) -> str:
    """What the last part of a URL's path calls the file."""
    try:
        return unquote(urlsplit(url).path.rpartition("/")[2])[:255] or "upload"
    except ValueError:
        return "upload"


def to_complete_upload(upload_id: str, body: CompleteRequest | None) -> upload_pb2.CompleteUploadRequest:
    parts = [upload_pb2.CompletedPart(part_number=p.part_number, etag=p.etag) for p in (body.parts if body else [])]
    return upload_pb2.CompleteUploadRequest(upload_id=upload_id, parts=parts)


def to_update_asset(asset_id: str, body: AssetPatch, etag: str) -> metadata_pb2.UpdateAssetRequest:
    """Raises InvalidArgument for a patch that names nothing."""
    if not body.model_fields_set:
        raise InvalidArgument("invalid_argument", "the patch names nothing to change")
    return metadata_pb2.UpdateAssetRequest(
        asset_id=asset_id,
        etag=etag,
        update_mask=FieldMask(paths=sorted(body.model_fields_set)),
        labels=body.labels or {},
        visibility=metadata_pb2.Asset.Visibility.Value(f"VISIBILITY_{body.visibility.upper()}"),
        passthrough=body.passthrough or "",
        file_name=body.file_name,
    )


def to_labels(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The labels of `label.<name>=<value>`. Raises InvalidArgument for one without a name, or named twice."""
    labels: dict[str, str] = {}
    for parameter, value in query:
        if not parameter.startswith(_LABEL) or _BOUND.fullmatch(parameter):
            continue
        name = parameter.removeprefix(_LABEL)
        if not name or name in labels or "\0" in parameter + value:
            field = FieldError(parameter, "a label is asked for once, as label.<name>=<value>")
            raise InvalidArgument("invalid_argument", field.message, fields=(field,))
        labels[name] = value
    return labels


def to_bounds(query: Iterable[tuple[str, str]]) -> list[metadata_pb2.LabelBound]:
    """Those of `label.<name>[gte]=<number>`. Raises InvalidArgument for what is no number."""
    bounds = []
    for parameter, value in query:
        if (found := _BOUND.fullmatch(parameter)) is None:
            continue
        if not _DECIMAL.fullmatch(value):
            field = FieldError(parameter, "a number in decimal, with up to 18 digits, and 9 after the point")
            raise InvalidArgument("invalid_argument", field.message, fields=(field,))
        comparison = metadata_pb2.LabelBound.Comparison.Value(f"COMPARISON_{found[2].upper()}")
        bounds.append(metadata_pb2.LabelBound(name=found[1], comparison=comparison, number=value))
    return bounds


def to_types(query: Iterable[str]) -> list[str]:
    """`types=a,b` and `types=a&types=b` are the same."""
    return [each.strip() for value in query for each in value.split(",") if each.strip()]


def to_etag(if_match: str | None) -> str:
    """The one etag that If-Match names; empty for any. Raises InvalidArgument for several."""
    named = (if_match or "*").strip()
    if named == "*":
        return ""
    if "," in named:
        field = FieldError("If-Match", "one etag is enough")
        raise InvalidArgument("invalid_argument", field.message, fields=(field,))
    # An etag that cannot be ours must fail the condition and not the service's rules.
    return named.strip('"').partition(".")[0][:64] or "-"


def from_etag(asset: metadata_pb2.Asset) -> str:
    """Of the asset as it is shown, votes and all; If-Match looks at what is before the dot, which no vote changes."""
    return f'"{asset.etag}.{asset.votes}"' if asset.votes else f'"{asset.etag}"'


def from_page(items: Sequence[dict[str, Any]], token: str) -> dict[str, Any]:
    return {"items": items, "next_page_token": token or None}


def from_signed(parts: Iterable[upload_pb2.SignedPart], series: Iterable[upload_pb2.SignedSeries]) -> bytes:
    """A list of parts as JSON, at once: to make five hundred of them anything else before costs more than signing."""
    written = [
        _json({"part_number": part.part_number, "url": part.url, "headers": dict(part.headers)}) for part in parts
    ]
    for each in series:
        begin, end = _json(each.url_begin)[:-1], _json(each.url_end)[1:-1]
        rest = f'","headers":{_json(dict(each.headers))}}}'
        written += [
            f'{{"part_number":{number},"url":{begin}{number}{end}{signature}{rest}'
            for number, signature in zip(each.part_numbers, each.signatures, strict=True)
        ]
    return f"[{','.join(written)}]".encode()


def _json(value: Any) -> str:
    return to_json(value).decode()


def from_received(parts: Iterable[upload_pb2.ReceivedPart]) -> list[dict[str, Any]]:
    return [{"part_number": part.part_number, "etag": part.etag, "size": part.size} for part in parts]


def from_asset(asset: metadata_pb2.Asset, urls: Links) -> dict[str, Any]:
    """With URLs where anybody may open them: what is private needs a token of its own, all but its picture."""
    shown = public.asset(asset)
    prefix = asset.object_prefix
    picture = links.picture([output for output in asset.outputs if links.below(output, prefix)])
    if asset.visibility != metadata_pb2.Asset.VISIBILITY_PUBLIC or not asset.playback_id:
        gone = asset.state == metadata_pb2.Asset.STATE_DELETED
        shown["poster_url"] = urls.signed(picture.object_key) if picture and not gone else None
        return shown
    for output, told in zip(asset.outputs, shown["outputs"], strict=True):
        if path := links.path(output, prefix, playable=asset.playable):
            told["url"] = urls.play(asset.playback_id, path)
    if picture:
        shown["poster_url"] = urls.play(asset.playback_id, links.path(picture, prefix, playable=True))
    return shown


def from_playback(outputs: Sequence[metadata_pb2.Output], prefix: str, token: str, urls: Links) -> dict[str, Any]:
    """Where `token` finds each output; null where there is none yet."""

    def url(output: metadata_pb2.Output | None) -> str | None:
        path = links.path(output, prefix, playable=True) if output else ""
        return urls.play(token, path) if path else None

    played = [output for output in outputs if links.below(output, prefix)]
    streams = {output.kind: output for output in played if output.kind in links.STREAMS}
    hls = url(streams.get("hls"))
    return {
        "hls_url": hls,
        "dash_url": url(streams.get("dash")),
        "poster_url": url(links.picture(played)),
        "storyboard_url": url(links.storyboard(played)),
        "embed_url": urls.to(f"/embed/{token}") if hls else None,
        "outputs": [public.output(each, each.job_id) | {"url": url(each)} for each in outputs],
    }


def from_retention(pb: metadata_pb2.Retention) -> dict[str, int | None]:
    return {
        "original_days": pb.original_days if pb.HasField("original_days") else None,
        "deleted_days": pb.deleted_days if pb.HasField("deleted_days") else None,
    }
