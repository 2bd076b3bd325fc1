"""Sessions of users between two commands: a refresh token for each mesh, kept for its user's eyes alone.

A refresh token is good once. Commands that run side by side share the file by a lock: one refreshes, the others find
what it got.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reelmesh_client.errors import ConfigError, ProblemError
from reelmesh_client.transport import Transport, understanding

RENEWED_BEFORE = 60.0
"""Seconds of life that an access token still has when it is renewed: longer than most calls take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    email: str
    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)
    expires: float
    """When the access token does, in Unix seconds."""


class Sessions:
    """In `sessions.json` of a folder that only its user can enter."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "sessions.json"

    def urls(self) -> list[str]:
        """Meshes with a session, the newest last."""
        return list(self._read())

    def log_in(self, url: str, email: str, password: str) -> None:
        answer = asked(url, "login", {"email": email, "password": password})
        with self._locked() as sessions:
            sessions.pop(place(url), None)
            sessions[place(url)] = session_of(url, email, answer)

    def log_out(self, url: str) -> bool:
        """Ends the session, here also where the mesh does not know it any more. Whether there was one."""
        with self._locked() as sessions:
            session = sessions.pop(place(url), None)
        if session is None:
            return False
        try:
            asked(url, "logout", {"refresh_token": session.refresh_token})
        except ProblemError as error:
            if error.status != 401:
                raise
        return True

    def token(self, url: str) -> str:
        """An access token that is good for a while. Raises ConfigError where the session is over."""
        session = self._read().get(place(url))
        if session is not None and session.expires - time.time() > RENEWED_BEFORE:
            return session.access_token
        with self._locked() as sessions:
            session = sessions.get(place(url))
            if session is not None and session.expires - time.time() <= RENEWED_BEFORE:
                session = refreshed(url, session)
                if session is None:
                    del sessions[place(url)]
                else:
                    sessions[place(url)] = session
        if session is None:
            raise ConfigError(f"the session at {url} is over: reelmesh login")
        return session.access_token

    def _read(self) -> dict[str, Session]:
        try:
            return {url: Session(**each) for url, each in json.loads(self._file.read_text()).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError, OSError) as error:
            raise ConfigError(f"{self._file} cannot be read ({type(error).__name__}): remove it") from None

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Session]]:
        """What the block leaves of the sessions is written, whole or not at all."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with opened(self._file.with_suffix(".lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            sessions = self._read()
            yield sessions
            fresh = self._file.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with opened(fresh) as out:
                os.write(out, json.dumps({url: asdict(each) for url, each in sessions.items()}).encode())
                os.fsync(out)
            fresh.replace(self._file)


def folder(env: Mapping[str, str]) -> Path:
    """Per the XDG Base Directory Specification."""
    base = env.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "reelmesh"


def place(url: str) -> str:
    return url.rstrip("/")


def refreshed(url: str, session: Session) -> Session | None:
    """The session's next tokens; None where it is over."""
    try:
        return session_of(url, session.email, asked(url, "refresh", {"refresh_token": session.refresh_token}))
    except ProblemError as error:
        if error.status != 401:
            raise
        return None


def asked(url: str, action: str, body: Mapping[str, str]) -> Any:
    """Once: a password that is wrong is wrong again, and a refresh token that comes again ends its session."""
    transport = Transport(url, None)
    try:
        return transport.once("POST", f"/v1/auth/{action}", json=dict(body))
    finally:
        transport.close()


def session_of(url: str, email: str, answer: Any) -> Session:
    with understanding(url):
        return Session(
            email=email,
            refresh_token=str(answer["refresh_token"]),
            access_token=str(answer["access_token"]),
            expires=time.time() + float(answer["expires_in"]),
        )


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """For writing, by its user alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        yield descriptor
    finally:
        os.close(descriptor)
