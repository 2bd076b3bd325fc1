"""`reelmesh quotas`, for a tenant; `reelmesh tenants`, for the operator of the mesh."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any

import typer

from reelmesh_client.models import Json
from reelmesh_client.options import (
    ApiKey,
    AsJson,
    Limit,
    OperatorKey,
    Url,
    client_for,
    operator_for,
    screen_of,
)
from reelmesh_client.screen import Screen, bytes_of

QUOTA_COLUMNS = ("QUOTA", "USED", "LIMIT", "RESETS")
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
DEFAULT = "default"
UNLIMITED = "unlimited"

Tenant = Annotated[str, typer.Argument(metavar="ID")]
OwnLimit = Annotated[str, typer.Option(metavar="N", help="Or `unlimited`, or `default`.")]

tenants = typer.Typer(
    help="For the operator: tenants, their limits and where their sources lie.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def quotas(context: typer.Context, as_json: AsJson = False, url: Url = "", api_key: ApiKey = "") -> None:
    """Show what is used of each quota."""
    screen = screen_of(context, as_json)
    with client_for(url, api_key) as client:
        found = client.quotas()
    if screen.as_json:
        screen.json(found)
    else:
        show_quotas(screen, found)


@tenants.command("list")
def list_tenants(
    context: typer.Context, limit: Limit = 50, as_json: AsJson = False, url: Url = "", api_key: OperatorKey = ""
) -> None:
    """List tenants, newest first."""
    screen = screen_of(context, as_json)
    with operator_for(url, api_key) as client:
        found = list(islice(client.list_tenants(), limit + 1))
    if screen.as_json:
        screen.json({"items": found[:limit], "more": len(found) > limit})
        return
    screen.table(
        ("ID", "NAME", "CREATED"), [(each["id"], each["name"], each["create_time"] or "") for each in found[:limit]]
    )
    if len(found) > limit:
        screen.note(f"there are more: --limit shows them, {limit} here")


@tenants.command("show")
def show_tenant(
    context: typer.Context, tenant_id: Tenant, as_json: AsJson = False, url: Url = "", api_key: OperatorKey = ""
) -> None:
    """Show what counts for a tenant, and what it has used."""
    screen = screen_of(context, as_json)
    with operator_for(url, api_key) as client:
        show(screen, client.get_tenant(tenant_id))


@tenants.command("set")
def set_tenant(
    context: typer.Context,
    tenant_id: Tenant,
    max_bytes_stored: Annotated[str, typer.Option(metavar="N", help="Such as 500GiB; `unlimited`, `default`.")] = "",
    max_uploads_per_day: OwnLimit = "",
    max_concurrent_jobs: OwnLimit = "",
    max_encode_minutes: OwnLimit = "",
    object_key_template: Annotated[
        str | None, typer.Option(metavar="TEMPLATE", help="Such as athletes/{label.athlete_id}/{yyyy}; `default`.")
    ] = None,
    as_json: AsJson = False,
    url: Url = "",
    api_key: OperatorKey = "",
) -> None:
    """Set what a tenant may; what is not named stays."""
    screen = screen_of(context, as_json)
    limits = {
        "max_bytes_stored": max_bytes_stored,
        "max_uploads_per_day": max_uploads_per_day,
        "max_concurrent_jobs": max_concurrent_jobs,
        "max_encode_minutes": max_encode_minutes,
    }
    settings: dict[str, int | str | None] = {name: limit_of(said, name) for name, said in limits.items() if said}
    if object_key_template is not None:
        settings["object_key_template"] = None if object_key_template == DEFAULT else object_key_template
    if not settings:
        raise typer.BadParameter("name what shall change")
    with operator_for(url, api_key) as client:
        show(screen, client.update_tenant(tenant_id, settings))


def limit_of(said: str, name: str) -> int | None:
    if said in {DEFAULT, UNLIMITED}:
        return None if said == DEFAULT else -1
    unit = next((unit for unit in UNITS if said.endswith(unit)), "")
    number = said.removesuffix(unit).strip()
    if not number.isdecimal() or (unit and name != "max_bytes_stored"):
        raise typer.BadParameter(f"{said!r} is no limit", param_hint=f"--{name.replace('_', '-')}")
    return int(number) * UNITS.get(unit, 1)


def show(screen: Screen, tenant: Json) -> None:
    if screen.as_json:
        screen.json(tenant)
        return
    facts = {name: value for name, value in tenant.items() if name != "quotas"}
    screen.pairs({name: DEFAULT if value is None else value for name, value in facts.items()})
    show_quotas(screen, tenant["quotas"])


def show_quotas(screen: Screen, found: Mapping[str, Any]) -> None:
    rows = []
    for name, quota in found.items():
        shown = bytes_of if name == "bytes_stored" else "{:g}".format
        limit = UNLIMITED if quota["limit"] is None else shown(quota["limit"])
        rows.append((name, shown(quota["used"]), limit, quota["resets_at"] or ""))
    screen.table(QUOTA_COLUMNS, rows)
