"""`python -m bench NAME`: set up, measure, print."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

HERE = Path(__file__).parent
BENCHES = sorted(each.parent.name for each in HERE.glob("*/run.py"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("name", choices=BENCHES)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved repetitions of every measurement")
    parser.add_argument("--only", default="", help="just the parts with these names, with commas between them")
    options = parser.parse_args()
    module = importlib.import_module(f"bench.{options.name}.run")
    module.run(rounds=options.rounds, only=[part for part in options.only.split(",") if part])


if __name__ == "__main__":
    main()
