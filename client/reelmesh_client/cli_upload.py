"""`reelmesh upload`: a file on its way in and, with --wait, until it plays."""

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reelmesh_client.client import PARALLEL, Client
from reelmesh_client.errors import ClientError, FailedError
from reelmesh_client.exits import Exit
from reelmesh_client.models import Upload
from reelmesh_client.options import ApiKey, AsJson, Labels, Url, client_for, labels_of, screen_of
from reelmesh_client.screen import Meter, Screen, bytes_of
from reelmesh_client.watching import Standing


class Visibility(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"


def upload(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    preset: Annotated[str, typer.Option(help="What to make of it; else the default.")] = "",
    label: Labels = None,
    visibility: Annotated[Visibility | None, typer.Option(help="Else private.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is ready to play, or failed.")] = False,
    resume: Annotated[str, typer.Option(metavar="UPLOAD_ID", help="Go on with an upload that was broken off.")] = "",
    parallel: Annotated[int, typer.Option(min=1, max=32, help="Parts sent at a time.")] = PARALLEL,
    as_json: AsJson = False,
    url: Url = "",
    api_key: ApiKey = "",
) -> None:
    """Send a file to the mesh, in parts, straight to the object store."""
    screen = screen_of(context, as_json)
    labels = labels_of(label)
    with client_for(url, api_key) as client, screen.meter() as meter:
        opened = (
            client.get_upload(resume)
            if resume
            else client.open_upload(file, preset=preset, labels=labels, visibility=visibility or "")
        )
        sent = send(client, opened, file, parallel, meter, screen)
        standing = follow(client, sent.asset_id, meter) if wait else None
        playback = client.playback(sent.asset_id) if standing and standing.ready else None
    report(screen, sent, standing, {} if playback is None else dict(playback.raw))


def send(client: Client, opened: Upload, file: Path, parallel: int, meter: Meter, screen: Screen) -> Upload:
    try:
        return client.send_file(opened, file, parallel=parallel, on_progress=byte_meter(meter))
    except (ClientError, KeyboardInterrupt) as error:
        if not isinstance(error, FailedError):
            screen.note(f"to go on with it: reelmesh upload {file} --resume {opened.id}")
        raise


def byte_meter(meter: Meter) -> Callable[[int, int], None]:
    started = time.monotonic()

    def show(there: int, total: int) -> None:
        speed = there / max(time.monotonic() - started, 0.001)
        note = f"{bytes_of(there)} of {bytes_of(total)}, {bytes_of(speed)}/s"
        meter.show("upload", there / total if total else 1.0, note)

    return show


def follow(client: Client, asset_id: str, meter: Meter) -> Standing:
    """The last standing: ready or failed."""
    standing = Standing(asset=None, job=None)
    for standing in client.watch(asset_id):
        state = standing.asset.state if standing.asset else "waiting"
        playable = ", playable" if standing.asset and standing.asset.playable else ""
        meter.show("encode", standing.progress, f"{state}{playable}")
    return standing


def report(screen: Screen, sent: Upload, standing: Standing | None, playback: dict[str, object]) -> None:
    """What came of it. Raises typer.Exit with 7 for a file that failed."""
    asset = standing.asset if standing else None
    failure = standing.failure if standing else None
    state = "failed" if failure else asset.state if asset else "uploaded"
    if screen.as_json:
        error = {"code": failure.code, "message": failure.message} if failure else None
        body = {"upload_id": sent.id, "asset_id": sent.asset_id, "state": state, "error": error}
        screen.json(body | {"asset": dict(asset.raw) if asset else None, "playback": playback or None})
    else:
        screen.pairs({"asset": sent.asset_id, "upload": sent.id, "state": state} | playback)
    if failure:
        screen.note(f"reelmesh: {failure.code}: {failure.message or 'the asset failed'}")
        raise typer.Exit(Exit.FAILED)
