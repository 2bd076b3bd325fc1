"""`reelmesh assets`, `asset` and `jobs`: what the mesh holds and does."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated

import typer

from reelmesh_client.models import Asset, Job
from reelmesh_client.options import ApiKey, AsJson, Labels, Limit, Url, client_for, labels_of, screen_of
from reelmesh_client.screen import Screen, bytes_of

ASSET_COLUMNS = ("ID", "STATE", "KIND", "FILE", "SIZE", "DURATION", "CREATED", "ERROR")
JOB_COLUMNS = ("ID", "STATE", "PROGRESS", "ASSET", "PRESET", "CREATED", "ERROR")
OUTPUT_COLUMNS = ("OUTPUT", "NAME", "STATE", "SIZE", "WIDTH", "HEIGHT", "BIT RATE", "CODEC")


def assets(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="uploaded, processing, ready, failed or deleted.")] = "",
    kind: Annotated[str, typer.Option(help="video, image or audio.")] = "",
    label: Labels = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = "",
    api_key: ApiKey = "",
) -> None:
    """List assets, newest first. Not at a terminal: tabs between the columns, no header."""
    screen = screen_of(context, as_json)
    labels = labels_of(label)
    with client_for(url, api_key) as client:
        found = list(islice(client.list_assets(state=state, kind=kind, labels=labels), limit + 1))
    show(screen, ASSET_COLUMNS, found, [asset_row(each) for each in found[:limit]], limit)


def asset(
    context: typer.Context,
    asset_id: Annotated[str, typer.Argument(metavar="ID")],
    as_json: AsJson = False,
    url: Url = "",
    api_key: ApiKey = "",
) -> None:
    """Show one asset and what was made of it."""
    screen = screen_of(context, as_json)
    with client_for(url, api_key) as client:
        found = client.get_asset(asset_id)
    if screen.as_json:
        screen.json(found.raw)
        return
    screen.pairs(asset_facts(found))
    if found.outputs:
        rows = [
            (each.kind, each.name, each.state, each.size, each.width, each.height, each.bit_rate, each.codec)
            for each in found.outputs
        ]
        screen.table(OUTPUT_COLUMNS, rows)


def jobs(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="queued, running, succeeded, failed or cancelled.")] = "",
    asset_id: Annotated[str, typer.Option("--asset", metavar="ID", help="Those of one asset.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = "",
    api_key: ApiKey = "",
) -> None:
    """List jobs, newest first. Not at a terminal: tabs between the columns, no header."""
    screen = screen_of(context, as_json)
    with client_for(url, api_key) as client:
        found = list(islice(client.list_jobs(state=state, asset_id=asset_id), limit + 1))
    show(screen, JOB_COLUMNS, found, [job_row(each) for each in found[:limit]], limit)


def show(
    screen: Screen,
    columns: tuple[str, ...],
    found: Sequence[Asset | Job],
    rows: Sequence[tuple[object, ...]],
    limit: int,
) -> None:
    more = len(found) > limit
    if screen.as_json:
        screen.json({"items": [each.raw for each in found[:limit]], "more": more})
        return
    screen.table(columns, rows)
    if more:
        screen.note(f"there are more: --limit shows them, {limit} here")


def asset_row(each: Asset) -> tuple[object, ...]:
    duration = f"{each.media.duration:.1f} s" if each.media and each.media.duration else ""
    error = each.error.code if each.error else ""
    size = bytes_of(each.size)
    return each.id, each.state, each.kind, each.file_name, size, duration, moment(each.create_time), error


def asset_facts(each: Asset) -> dict[str, object]:
    media = each.media
    return {
        "id": each.id,
        "state": f"{each.state}, playable" if each.playable and each.state != "ready" else each.state,
        "error": f"{each.error.code}: {each.error.message}" if each.error else "",
        "kind": each.kind,
        "file": each.file_name,
        "size": bytes_of(each.size),
        "sha256": each.sha256,
        "visibility": each.visibility,
        "labels": ", ".join(f"{name}={value}" for name, value in each.labels.items()),
        "duration": f"{media.duration:.3f} s" if media and media.duration else "",
        "picture": f"{media.width}x{media.height}, {media.frame_rate} fps" if media and media.width else "",
        "codecs": ", ".join(filter(None, (media.video_codec, media.audio_codec))) if media else "",
        "created": moment(each.create_time),
    }


def job_row(each: Job) -> tuple[object, ...]:
    error = each.error.code if each.error else ""
    progress = f"{each.progress:.0%}"
    return each.id, each.state, progress, each.asset_id, each.preset, moment(each.create_time), error


def moment(when: datetime | None) -> str:
    return when.astimezone().strftime("%Y-%m-%d %H:%M") if when else ""
