"""A process that runs the servers until something ends it: `python -m tests.integration.local.parent HOME`."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from local.infra import controlled_infra


async def main(home: Path) -> None:
    async with controlled_infra(home) as running:
        pids = {name: child.pid for name, child in running.children.items()}
        sys.stdout.write(json.dumps({"pids": pids, "infra": asdict(running.infra)}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
