"""A home has one holder, keeps its secrets to its owner, and its ports as long as they are free."""

import os
import socket
import stat
from pathlib import Path

import pytest

from local.errors import HomeInUseError
from local.home import Home, home_at
from local.infra import running_infra
from local.ports import GRPC_OFFSET, is_free, ports_of


async def test_a_second_mesh_on_the_same_home_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    async with home_at(tmp_path).held():
        with pytest.raises(HomeInUseError, match=f"in use by process {os.getpid()}: stop that mesh first"):
            async with running_infra(tmp_path):
                pass
    async with home_at(tmp_path).held():
        pass


def test_a_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path)
    secret = home.secret("database")
    assert len(secret) >= 43
    assert home.secret("database") == secret != home.secret("store")
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_port_is_remembered_while_it_is_free(tmp_path: Path) -> None:
    ports = ports_of(Home(tmp_path))
    port = ports.take("server", also=GRPC_OFFSET)
    assert ports.take("server", also=GRPC_OFFSET) == port
    assert ports.take("another") not in {port, port + GRPC_OFFSET}


@pytest.mark.parametrize("offset", [0, GRPC_OFFSET])
def test_a_port_that_someone_took_is_replaced(tmp_path: Path, offset: int) -> None:
    ports = ports_of(Home(tmp_path))
    port = ports.take("server", also=GRPC_OFFSET)
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", port + offset))
        taker.listen()
        assert not is_free(port + offset)
        assert ports.take("server", also=GRPC_OFFSET) != port
