"""`python -m loadtests web|workers`: a mesh of its own, load on it, reports."""

from __future__ import annotations

import argparse
import asyncio
import shutil
from pathlib import Path

from bench.figures import say
from loadtests import web, workers

TESTS = {"web": web.run, "workers": workers.run}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make loadtest", description=__doc__)
    parser.add_argument("name", choices=sorted(TESTS))
    name = parser.parse_args().name
    folder = Path(".reelmesh") / "loadtests" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    asyncio.run(TESTS[name](folder))
    shutil.rmtree(folder / "mesh", ignore_errors=True)
    say(f"  {folder / 'report.html'}, {folder / 'report.json'}")


main()
