"""The `reelmesh` command."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version as installed

import stamina.instrumentation
import typer
from typer.exceptions import TyperException

from reelmesh_client.cli_assets import asset, assets, jobs
from reelmesh_client.cli_keys import keys
from reelmesh_client.cli_login import login, logout
from reelmesh_client.cli_mesh import doctor, up
from reelmesh_client.cli_tenants import quotas, tenants
from reelmesh_client.cli_upload import upload
from reelmesh_client.errors import ClientError
from reelmesh_client.exits import MEANING, Exit, exit_for
from reelmesh_client.options import AsJson, screen_of
from reelmesh_client.screen import Screen

# The lines as written: the mark is how the help is told not to fill them.
EPILOG = "\b\nEnds with:\n" + "\n".join(f"  {code:3d}  {meaning}" for code, meaning in MEANING.items())

app = typer.Typer(
    help="Reelmesh: send videos, watch them become streams, run the mesh.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    # Plain help: no boxes, and no codes where the output is no terminal.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def version(context: typer.Context, as_json: AsJson = False) -> None:
    """Say which version this is."""
    screen = screen_of(context, as_json)
    if screen.as_json:
        screen.json({"version": installed("reelmesh")})
    else:
        screen.line(f"reelmesh {installed('reelmesh')}")


for command in (up, login, logout, upload, assets, asset, jobs, quotas, doctor, version):
    app.command(epilog=EPILOG)(command)
app.add_typer(keys, name="keys", epilog=EPILOG)
app.add_typer(tenants, name="tenants", epilog=EPILOG)


def run(arguments: Sequence[str]) -> int:
    """The exit code. Whatever goes wrong is one line on stderr."""
    screen = Screen()
    # Its default writes to stdout, which belongs to the result.
    stamina.instrumentation.set_on_retry_hooks([])
    try:
        ended = app(args=list(arguments), prog_name="reelmesh", standalone_mode=False, obj=screen)
        # That is how typer tells of Ctrl-C.
        if ended == Exit.INTERRUPTED:
            screen.failed(InterruptedByUser("ended by Ctrl-C"))
        return ended if isinstance(ended, int) else Exit.OK
    except TyperException as wrong:
        said = wrong.format_message()
        # Without arguments it is the help, which has many lines.
        typer.echo(said if "\n" in said else f"reelmesh: {said} (see reelmesh --help)", err=True)
        return Exit.USAGE
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not fail on it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.UNEXPECTED
    except Exception as error:
        screen.failed(error if isinstance(error, ClientError) else UnexpectedError(f"{type(error).__name__}: {error}"))
        return exit_for(error)


class InterruptedByUser(ClientError):
    code = "interrupted"


class UnexpectedError(ClientError):
    code = "unexpected"


def main() -> None:
    code = run(sys.argv[1:])
    sys.stdout.flush()
    if code == Exit.INTERRUPTED:
        # Parts that are still being sent hang in their sockets; there is nothing left to tidy.
        os._exit(code)
    sys.exit(code)
