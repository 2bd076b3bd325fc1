"""A program of the sandbox that does as it is told by its third argument, after its source and that one's size."""

import sys


def main() -> None:
    exec(sys.argv[3], {})
