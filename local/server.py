"""What the mesh asks of each of its real servers."""

from typing import Protocol

from local.process import Program


class Server(Protocol):
    @property
    def program(self) -> Program: ...

    async def prepare(self) -> None:
        """Before every start, while it does not run: its files."""

    async def ready(self) -> bool:
        """Whether it does real work by now. Never raises for a server that is still starting."""

    async def settle(self) -> None:
        """What has to exist once it runs: the database, the bucket."""

    def tidy(self) -> None:
        """After it has ended: what it leaves outside of the home."""
