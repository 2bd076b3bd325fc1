"""Keep a service running, as Kubernetes would: one that ends is started again, ever later while it keeps ending."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.errors import LocalError, StartError
from local.infra import RunningInfra
from local.process import Child, Ready

FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
GOOD_RUN_SECONDS = 30.0
HOPELESS_ENDS = 4
SERVER_POLL_SECONDS = 1.0
READY_POLL_SECONDS = 0.1

log = logging.getLogger(__name__)


async def cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def keep_servers(servers: RunningInfra) -> None:
    """Start again what ended by itself."""
    while True:
        await asyncio.sleep(SERVER_POLL_SECONDS)
        for name, child in servers.children.items():
            if child.running or name in servers.down:
                continue
            log.warning("%s ended with %s, starts again", name, child.returncode)
            try:
                await servers.start(name)
            except LocalError as error:
                log.warning("%s", error)


@dataclass(slots=True, kw_only=True)
class Supervised:
    child: Child
    ready: Ready
    prepare: Callable[[], None]
    ends: int = field(default=0, init=False)
    """How often in a row it ended by itself, soon after its start."""
    _killed: bool = field(default=False, init=False)
    _keeper: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def start(self) -> None:
        self.ends = 0
        self.prepare()
        await self.child.start()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.child.program.name}")

    async def stop(self) -> None:
        """It stays down until it is started."""
        if self._keeper is not None:
            await cancelled(self._keeper)
        await self.child.stop()

    async def kill(self) -> None:
        """SIGKILL; it comes back by itself."""
        self._killed = True
        await self.child.kill()

    async def wait_ready(self) -> None:
        """Raises StartError when it does not become ready, early when it ends again and again."""
        program = self.child.program
        deadline = time.monotonic() + program.start_seconds
        while not (self.child.running and await self.ready()):
            if self.ends >= HOPELESS_ENDS:
                raise StartError(f"{program.name} ends again and again:\n{self.child.tail()}")
            if time.monotonic() > deadline:
                raise StartError(f"{program.name} is not ready after {program.start_seconds:g} s:\n{self.child.tail()}")
            await asyncio.sleep(READY_POLL_SECONDS)

    async def _keep(self) -> None:
        while True:
            started = time.monotonic()
            code = await self.child.wait()
            if self._killed or time.monotonic() - started > GOOD_RUN_SECONDS:
                self.ends = 0
            self.ends += not self._killed
            self._killed = False
            delay = min(FIRST_DELAY * 2 ** max(self.ends - 1, 0), LONGEST_DELAY)
            log.warning("%s ended with %s, starts again in %.1f s", self.child.program.name, code, delay)
            await asyncio.sleep(delay)
            try:
                self.prepare()
                await self.child.start()
            except (LocalError, OSError) as error:
                log.warning("%s", error)
