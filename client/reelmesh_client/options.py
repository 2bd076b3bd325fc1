"""What several commands take, said once."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from reelmesh_client.client import Client
from reelmesh_client.config import API_KEY, OPERATOR_KEY, URL, target
from reelmesh_client.screen import Screen
from reelmesh_client.sessions import Sessions, folder

Url = Annotated[str, typer.Option("--url", metavar="URL", help=f"The mesh; else {URL}, else the nearest dev.env.")]
ApiKey = Annotated[
    str, typer.Option("--api-key", metavar="KEY", help=f"Else {API_KEY}, your session, or the nearest dev.env.")
]
OperatorKey = Annotated[
    str, typer.Option("--api-key", metavar="KEY", help=f"Else {OPERATOR_KEY}, else the nearest dev.env.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="K=V", help="May be given several times.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Show at most so many, newest first.")]


def screen_of(context: typer.Context, as_json: bool) -> Screen:
    screen = context.obj
    assert isinstance(screen, Screen)
    screen.as_json = as_json
    return screen


def client_for(url: str, api_key: str) -> Client:
    """Raises ConfigError when nothing says which mesh, or as whom."""
    sessions = Sessions(folder(os.environ))
    found = target(url, api_key, os.environ, Path.cwd(), sessions=sessions.urls())
    return Client(found.url, found.api_key or partial(sessions.token, found.url))


def operator_for(url: str, api_key: str) -> Client:
    """Raises ConfigError as `client_for` does."""
    found = target(url, api_key, os.environ, Path.cwd(), OPERATOR_KEY)
    return Client(found.url, found.api_key)


def labels_of(pairs: list[str] | None) -> dict[str, str]:
    labels = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--label")
        labels[name] = value
    return labels
