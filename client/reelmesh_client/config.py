"""Which mesh to talk to, and as whom: options, then the environment, then sessions and the nearest dev.env."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reelmesh_client.errors import ConfigError

URL = "REELMESH_URL"
API_KEY = "REELMESH_API_KEY"
OPERATOR_KEY = "REELMESH_OPERATOR_KEY"
HOME = "REELMESH_HOME"
DEV_ENV = Path(".reelmesh") / "dev.env"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    url: str
    api_key: str
    """Empty: that of its session."""


def target(
    url: str,
    api_key: str,
    env: Mapping[str, str],
    cwd: Path,
    variable: str = API_KEY,
    *,
    sessions: Sequence[str] = (),
) -> Target:
    """`variable` is where the key may be; `sessions` are meshes that somebody is logged in at.

    Raises ConfigError when nothing says which mesh, or as whom.
    """
    local = dev_env(env, cwd)
    where = place_of(url, env, cwd, sessions)
    if not api_key and not env.get(variable) and any(same_place(where, each) for each in sessions):
        return Target(url=where, api_key="")
    # The local mesh's key goes to the local mesh alone.
    key = api_key or env.get(variable) or (local.get(variable) if same_place(where, local.get(URL, "")) else None)
    if not key:
        raise ConfigError(f"no key for {where} is known: reelmesh login, or give --api-key or {variable}")
    return Target(url=where, api_key=key)


def place_of(url: str, env: Mapping[str, str], cwd: Path, sessions: Sequence[str] = ()) -> str:
    """Raises ConfigError when nothing says which mesh."""
    where = url or env.get(URL) or dev_env(env, cwd).get(URL) or (sessions[-1] if sessions else None)
    if not where:
        raise ConfigError(f"no mesh is known: start one with `reelmesh up`, or give --url or {URL}")
    return where


def dev_env(env: Mapping[str, str], cwd: Path) -> dict[str, str]:
    for path in places(env, cwd):
        try:
            return parsed(path.read_text())
        except (FileNotFoundError, NotADirectoryError, PermissionError, UnicodeDecodeError):
            continue
    return {}


def places(env: Mapping[str, str], cwd: Path) -> Iterator[Path]:
    if env.get(HOME):
        yield Path(env[HOME]) / DEV_ENV.name
    for folder in (cwd, *cwd.parents):
        yield folder / DEV_ENV


def parsed(text: str) -> dict[str, str]:
    pairs = (line.strip().removeprefix("export ").partition("=") for line in text.splitlines())
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs if value and not name.startswith("#")}


def same_place(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")
