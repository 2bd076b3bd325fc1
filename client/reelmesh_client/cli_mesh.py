"""`reelmesh up` and `doctor`: the mesh on this machine, where its wheels are installed."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelmesh_client.config import HOME
from reelmesh_client.errors import ConfigError
from reelmesh_client.exits import Exit
from reelmesh_client.options import AsJson, screen_of
from reelmesh_client.screen import Screen

if TYPE_CHECKING:
    from local.mesh import RunningMesh

Home = Annotated[Path | None, typer.Option("--home", metavar="DIR", help=f"Where it keeps its state; else {HOME}.")]


def up(
    context: typer.Context,
    workers: Annotated[int | None, typer.Option(min=1, help="Encoding workers; else one per core.")] = None,
    home: Home = None,
    metrics: Annotated[bool, typer.Option("--metrics", help="Show metrics, on a port of each process.")] = False,
) -> None:
    """Run the whole mesh on this machine until Ctrl-C, which drains it."""
    screen = screen_of(context, False)
    try:
        from local.errors import LocalError  # noqa: PLC0415
        from local.mesh import serve  # noqa: PLC0415
    except ImportError as error:
        raise not_installed(error) from None
    screen.note("starting the mesh …")
    try:
        up = serve(home_at(home), workers=workers, metrics=metrics, on_ready=lambda mesh: announce(screen, mesh))
        asyncio.run(up)
    except* LocalError as errors:
        raise ConfigError(first_line(errors)) from None
    screen.note("the mesh has ended")


def doctor(context: typer.Context, home: Home = None, as_json: AsJson = False) -> None:
    """Check that this machine can run the mesh; say what to do if not."""
    screen = screen_of(context, as_json)
    try:
        from local.doctor import diagnose  # noqa: PLC0415
    except ImportError as error:
        raise not_installed(error) from None
    checks = diagnose(home_at(home))
    healthy = all(check.ok for check in checks)
    if screen.as_json:
        found = [{"name": c.name, "ok": c.ok, "detail": c.detail, "remedy": c.remedy} for c in checks]
        screen.json({"ok": healthy, "checks": found})
    else:
        rows = [("ok" if c.ok else "missing", c.name, c.detail, c.remedy) for c in checks]
        screen.table(("", "CHECK", "FOUND", "WHAT TO DO"), rows)
    if not healthy:
        raise typer.Exit(Exit.LACKING)


def announce(screen: Screen, mesh: "RunningMesh") -> None:
    env = mesh.home / "dev.env"
    screen.line(f"Reelmesh is up at {mesh.url}")
    screen.line(f"  address and key are in {env}")
    screen.line(f"  set -a; . {env}; set +a")
    screen.line('  curl -H "Authorization: Bearer $REELMESH_API_KEY" $REELMESH_URL/v1/assets')
    screen.line("  reelmesh upload VIDEO --wait")
    for name, url in mesh.metrics.items():
        screen.line(f"  metrics of {name}: {url}")
    screen.line("Ctrl-C drains and ends it.")


def home_at(home: Path | None) -> Path:
    return (home or Path(os.environ.get(HOME) or ".reelmesh")).absolute()


def not_installed(error: ImportError) -> ConfigError:
    return ConfigError(f"the local mesh is not installed ({error}): pip install 'reelmesh[local]'")


def first_line(error: BaseException) -> str:
    """Of the first of the errors in a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(str(error).splitlines())
