"""`serve` with fake services, as `reelmesh up` runs it: `python -m tests.integration.local.mesh_parent HOME`."""

import asyncio
import json
import sys
from pathlib import Path

from local.mesh import RunningMesh, serve
from local.services import Service

FAKE = "tests.integration.local.fake_service"
TABLE = (
    Service(name="upload", module=FAKE, addr="UPLOAD_ADDR"),
    Service(name="gateway", module=FAKE, http=True, key="gateway"),
    Service(name="worker-1", module=FAKE, key="transcode-worker"),
)


def say(mesh: RunningMesh) -> None:
    sys.stdout.write(json.dumps({"url": mesh.url, "pids": mesh.pids}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), workers=0, on_ready=say, table=TABLE))
