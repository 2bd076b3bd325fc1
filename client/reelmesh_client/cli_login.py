"""`reelmesh login` and `logout`: a session in place of a key."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reelmesh_client.config import place_of
from reelmesh_client.options import AsJson, Url, screen_of
from reelmesh_client.sessions import Sessions, folder


def login(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="Asked for where it is not given.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="The password is the first line of the input.")
    ] = False,
    as_json: AsJson = False,
    url: Url = "",
) -> None:
    """Log in with email address and password; the next commands are yours until `reelmesh logout`."""
    screen = screen_of(context, as_json)
    sessions = Sessions(folder(os.environ))
    where = place_of(url, os.environ, Path.cwd(), sessions.urls())
    email = email or typer.prompt("Email address", err=True)
    password = (
        sys.stdin.readline().rstrip("\r\n") if password_stdin else typer.prompt("Password", hide_input=True, err=True)
    )
    sessions.log_in(where, email, password)
    if screen.as_json:
        screen.json({"url": where, "email": email})
    else:
        screen.pairs({"logged in as": email, "at": where})


def logout(context: typer.Context, as_json: AsJson = False, url: Url = "") -> None:
    """End the session."""
    screen = screen_of(context, as_json)
    sessions = Sessions(folder(os.environ))
    where = place_of(url, os.environ, Path.cwd(), sessions.urls())
    ended = sessions.log_out(where)
    if screen.as_json:
        screen.json({"url": where, "ended": ended})
    else:
        screen.pairs({"logged out of" if ended else "there was no session at": where})
