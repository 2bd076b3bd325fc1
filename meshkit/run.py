"""Run a process of the mesh: settings, logs and traces first, then `main` until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import TYPE_CHECKING, TypeVar

import uvloop

from meshkit import metrics, telemetry
from meshkit.errors import MeshError
from meshkit.grpc import tls
from meshkit.settings import Settings, load
from meshkit.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

S = TypeVar("S", bound=Settings)
_YOUNG = 20_000
"""New objects, of those that may be in cycles, before they are looked through."""
CANCEL_AGAIN = 10.0
"""Seconds; what a loop does when it is cancelled, such as handing a task back, takes less."""


def run(
    name: str,
    settings_type: type[S],
    main: Callable[[S, asyncio.Event], Awaitable[None]],
    settle: Callable[[S], S] = lambda settings: settings,
) -> None:
    """`main` gets the settings and an event that is set when the process shall end; it returns when it has drained.

    `settle` makes what the environment says into what counts for this process.
    Anything that `main` raises ends the process with code 1, for its supervisor to start it again.
    """
    settings = settle(load(settings_type))
    provider = telemetry.set_up(name, settings)
    tls.set_up(settings)

    async def supervised() -> None:
        # What is loaded by now stays: looking through it for garbage again and again shows in a busy process.
        gc.freeze()
        gc.set_threshold(_YOUNG)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await main(settings, stop)

    try:
        with metrics.serving(settings.metrics_host, settings.metrics_port):
            uvloop.run(supervised())
    except Exception:
        log.exception("process failed")
        raise SystemExit(1) from None
    finally:
        provider.shutdown()


async def until(stop: asyncio.Event, *loops: Awaitable[None], again: float = CANCEL_AGAIN) -> None:
    """Run endless `loops` side by side until `stop` is set; a loop that fails ends all and raises.

    One that goes on although it was cancelled is cancelled `again` after that many seconds, until it ends.
    """
    async with asyncio.TaskGroup() as group:
        pending = {group.create_task(_awaited(each)) for each in loops}
        await stop.wait()
        while pending:
            for task in pending:
                task.cancel()
            # asyncio.wait_for of Python 3.11, by which nats-py waits, forgets a cancel that comes with its result.
            _, pending = await asyncio.wait(pending, timeout=again)


async def every(seconds: float, step: Callable[[], Awaitable[object]]) -> None:
    """Run `step` now and then every `seconds`; a failure is logged, and the next round tries again."""
    while True:
        try:
            await step()
        except MeshError as error:
            log.warning("step waits", step=getattr(step, "__qualname__", repr(step)), reason=error.reason)
        except Exception:
            log.exception("step failed", step=getattr(step, "__qualname__", repr(step)))
        await asyncio.sleep(seconds)


async def _awaited(each: Awaitable[None]) -> None:
    await each
