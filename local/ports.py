"""Free loopback ports, remembered: a restarted mesh answers at the same addresses."""

import json
import random
import socket
from dataclasses import dataclass
from pathlib import Path

from local.errors import CannotRunError
from local.home import Home, read_json, write_private

LOWEST = 12_000
HIGHEST = 55_535  # weed needs HTTP + 10000 as well
GRPC_OFFSET = 10_000
TRIES = 1_000


@dataclass(frozen=True, slots=True)
class Ports:
    path: Path

    def remembered(self, name: str) -> int:
        return int(str(read_json(self.path)[name]))

    def take(self, name: str, *, also: int | None = None) -> int:
        """The port this name had before when still free, else a new one. `also`: an offset that must be free too."""
        known = {key: int(str(value)) for key, value in read_json(self.path).items()}
        port = known.get(name)
        if port is not None and usable(port, also):
            return port
        spoken_for = {taken + offset for taken in known.values() for offset in (0, GRPC_OFFSET)}
        known[name] = pick(spoken_for, also)
        write_private(self.path, json.dumps(known, indent=2))
        return known[name]


def ports_of(home: Home) -> Ports:
    return Ports(home.path / "ports.json")


def pick(spoken_for: set[int], also: int | None) -> int:
    for _ in range(TRIES):
        port = random.randint(LOWEST, highest(also))
        if not {port, port + (also or 0)} & spoken_for and usable(port, also):
            return port
    raise CannotRunError(f"no free port on 127.0.0.1 between {LOWEST} and {highest(also)}")


def usable(port: int, also: int | None) -> bool:
    return is_free(port) and (also is None or is_free(port + also))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port that only lingers in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def highest(also: int | None) -> int:
    """Below the ephemeral range where there is room: no outgoing connection takes the port before its server does."""
    try:
        ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return HIGHEST
    below = ephemeral - 1 - (also or 0)
    return min(below, HIGHEST) if below >= LOWEST + TRIES else HIGHEST
