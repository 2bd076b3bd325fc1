"""Wait to be told what to be, lock this process down, and be that. Imports only the standard library.

Run by `processes`: as a script with `parent` it becomes any program; as a module with `parent module` it is that one of
ours, loaded before anything is told. Then comes one line of JSON on standard input.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SYS_CREATE_RULESET, _SYS_ADD_RULE, _SYS_RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2

# linux/landlock.h
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_FS_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NET_BIND, _NET_CONNECT = 1 << 0, 1 << 1
_SCOPE_SOCKETS_AND_SIGNALS = 3

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("access", ctypes.c_uint64), ("port", ctypes.c_uint64))


def landlock_abi() -> int:
    """The kernel's Landlock version, 0 where it has none."""
    return max(0, int(_libc.syscall(_SYS_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)))


def main() -> None:
    die_with(int(sys.argv[1]))
    ours = import_module(sys.argv[2]) if len(sys.argv) > 2 else None
    order = told()
    program: list[str] = order["program"]
    environment: dict[str, str] = order["limits"]["environment"]
    lock_down(order["limits"])
    if ours is None:
        os.execve(program[0], program, environment)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = program[program.index(sys.argv[2]) :]
    ours.main()
    # Taking down what was loaded takes as long as a small source does.
    sys.stdout.flush()
    os._exit(0)


def told() -> dict[str, Any]:
    """What to be: `program`, with its arguments, in its `folder` and within its `limits`."""
    line = sys.stdin.readline()
    if not line:
        # Nobody had use for it.
        sys.exit()
    order: dict[str, Any] = json.loads(line)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.chdir(order["folder"])
    return order


def lock_down(limits: dict[str, Any]) -> None:
    """For good: this process, and all that it becomes or starts."""
    # Landlock holds the thread that asks for it.
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - pathlib is slow to import
        raise RuntimeError("threads began before the sandbox did")
    _give_way_when_memory_is_short()
    for name, value in limits["rlimits"].items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        capped = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (capped, capped))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    abi = landlock_abi()
    if abi:
        _landlock(abi, limits)


def die_with(parent: int) -> None:
    """The kernel ends this process when its parent does."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # The parent died before the line above: no signal will come.
        sys.exit(1)


def _give_way_when_memory_is_short() -> None:
    # Some container runtimes keep /proc read-only; then memory is shared out as ever.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123 - pathlib is slow to import
        score.write("1000")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _landlock(abi: int, limits: dict[str, Any]) -> None:
    rights = max(mask for since, mask in _FS_RIGHTS_BY_ABI.items() if since <= abi)
    ruleset = _Ruleset(
        rights, _NET_BIND | _NET_CONNECT if abi >= 4 else 0, _SCOPE_SOCKETS_AND_SIGNALS if abi >= 6 else 0
    )
    # Older kernels know fewer fields and refuse what they do not know.
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    handle = _checked(_libc.syscall(_SYS_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0))
    access = {"read": _EXECUTE | _READ_FILE | _READ_DIR, "list": _READ_DIR, "write": rights & ~_EXECUTE}
    for purpose, allowed in access.items():
        for path in limits[purpose]:
            _allow(handle, path, allowed)
    for port in limits["connect"] if abi >= 4 else ():
        rule = _NetPort(_NET_CONNECT, port)
        _checked(_libc.syscall(_SYS_ADD_RULE, handle, _RULE_NET_PORT, ctypes.byref(rule), 0))
    _checked(_libc.syscall(_SYS_RESTRICT_SELF, handle, 0))
    os.close(handle)


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        # Library folders differ between distributions.
        return
    if not os.path.isdir(path):  # noqa: PTH112 - as above
        access &= _FILE_RIGHTS
    rule = _PathBeneath(access, parent)
    _checked(_libc.syscall(_SYS_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    os.close(parent)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    return int(result)


if __name__ == "__main__":
    main()
