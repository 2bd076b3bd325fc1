"""Run a program that ends when its parent ends, whatever ends the parent: python -I leash.py [options] -- argv…

The kernel sends the signal when the parent *thread* ends, so the parent must start children from a thread that lives
as long as they should: the main thread. The file stands alone (only the standard library, no package imports), because
it runs as `python -I -S`, as fast and as early as possible.
"""

import argparse
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
# What is enough, the smallest first (containers often have only the other): to look up and read below a closed folder,
# and to run a program that is not executable for others as well.
CAPABILITIES = {"search": (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE), "override": (CAP_DAC_OVERRIDE,)}

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, call: str) -> None:
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{call}: {os.strerror(errno)}")


def prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    check(libc.prctl(ctypes.c_int(option), *arguments), f"prctl {option}")


def keep_only(capabilities: tuple[int, ...]) -> None:
    """Every capability set becomes the first of these that we have, ambient too, so that it survives the exec."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable of capabilities 0-31, then the same of 32-63
    data = (ctypes.c_uint32 * 6)()
    check(libc.capget(header, data), "capget")
    capability = next((each for each in capabilities if data[1] & 1 << each), None)
    if capability is None:
        sys.exit(f"leash: this root may not reach files below closed folders (capabilities {capabilities})")
    data = (ctypes.c_uint32 * 6)(*[1 << capability] * 3)
    check(libc.capset(header, data), "capset")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def become(uid: int, gid: int, keep: str | None) -> None:
    if keep is not None:
        # Without this bit the kernel empties the sets at setuid, and access(2), which Postgres trusts, ignores them.
        prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if keep is not None:
        keep_only(CAPABILITIES[keep])


def tie_to(parent: int, with_signal: signal.Signals) -> None:
    """After any change of user: that clears the wish."""
    prctl(PR_SET_PDEATHSIG, with_signal)
    if os.getppid() != parent:
        sys.exit(f"leash: parent {parent} is already gone")


def main() -> None:
    parser = argparse.ArgumentParser(prog="leash", description=__doc__)
    parser.add_argument("--parent", type=int, required=True, metavar="PID")
    parser.add_argument("--signal", choices=["TERM", "INT", "QUIT", "KILL"], default="KILL")
    parser.add_argument("--user", metavar="UID:GID")
    parser.add_argument("--keep", choices=sorted(CAPABILITIES), help="with --user: reach files below closed folders")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()
    if options.user is not None:
        uid, _, gid = options.user.partition(":")
        become(int(uid), int(gid), options.keep)
    tie_to(options.parent, signal.Signals[f"SIG{options.signal}"])
    # Python ignores these two for itself, and what is ignored stays so in the program we become.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    os.execvp(options.argv[0], options.argv)


if __name__ == "__main__":
    main()
