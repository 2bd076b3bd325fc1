"""`reelmesh keys`: the API keys of the tenant."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated

import typer

from reelmesh_client.cli_assets import moment
from reelmesh_client.models import ApiKey as Key
from reelmesh_client.options import ApiKey, AsJson, Limit, Url, client_for, screen_of

COLUMNS = ("ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED")

keys = typer.Typer(help="API keys: list, create, delete.", no_args_is_help=True, rich_markup_mode=None)


@keys.command("list")
def list_keys(
    context: typer.Context, limit: Limit = 50, as_json: AsJson = False, url: Url = "", api_key: ApiKey = ""
) -> None:
    """List keys, newest first, without their secrets."""
    screen = screen_of(context, as_json)
    with client_for(url, api_key) as client:
        found = list(islice(client.list_api_keys(), limit + 1))
    if screen.as_json:
        screen.json({"items": [each.raw for each in found[:limit]], "more": len(found) > limit})
        return
    screen.table(COLUMNS, [row(each) for each in found[:limit]])
    if len(found) > limit:
        screen.note(f"there are more: --limit shows them, {limit} here")


@keys.command("create")
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    scope: Annotated[list[str], typer.Option("--scope", help="Such as assets:read; may be given several times.")],
    days: Annotated[int, typer.Option(min=1, help="How long it is good; without it, until it is deleted.")] = 0,
    as_json: AsJson = False,
    url: Url = "",
    api_key: ApiKey = "",
) -> None:
    """Make a key with scopes that you have yourself, and show its secret, this once."""
    screen = screen_of(context, as_json)
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    with client_for(url, api_key) as client:
        made = client.create_api_key(name, scope, expires_at=expires_at)
    if screen.as_json:
        screen.json(made.raw)
    else:
        screen.pairs({"id": made.id, "secret": made.secret, "expires": moment(made.expires_at)})


@keys.command("delete")
def delete_key(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID")],
    as_json: AsJson = False,
    url: Url = "",
    api_key: ApiKey = "",
) -> None:
    """Take a key back."""
    screen = screen_of(context, as_json)
    with client_for(url, api_key) as client:
        client.delete_api_key(key_id)
    if screen.as_json:
        screen.json({"id": key_id})
    else:
        screen.pairs({"deleted": key_id})


def row(each: Key) -> tuple[object, ...]:
    times = (moment(each.create_time), moment(each.expires_at), moment(each.last_used_at))
    return each.id, each.name, " ".join(each.scopes), *times
