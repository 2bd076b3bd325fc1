"""npm's @tus/server and @tus/s3-store, before the same store: what others run for tus."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.infra import Infra

_PACKAGES = ("@tus/server", "@tus/s3-store")
_PROGRAM = """
import {{ Server }} from '@tus/server'
import {{ S3Store }} from '@tus/s3-store'
const datastore = new S3Store({{
  partSize: 8 * 1024 * 1024,
  s3ClientConfig: {{
    bucket: '{bucket}', endpoint: '{endpoint}', region: 'us-east-1', forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    credentials: {{ accessKeyId: '{access}', secretAccessKey: '{secret}' }},
  }},
}})
new Server({{ path: '/files', datastore }}).listen({{ host: '127.0.0.1', port: {port} }})
"""


@contextmanager
def running(folder: Path, infra: Infra) -> Iterator[tuple[str, int]]:
    """Its URL and process id. Needs node and npm."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *_PACKAGES], cwd=folder, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = _PROGRAM.format(
        bucket=infra.s3_bucket,
        endpoint=infra.s3_endpoint_url,
        access=infra.s3_access_key_id,
        secret=infra.s3_secret_access_key,
        port=port,
    )
    (folder / "server.mjs").write_text(program)
    with subprocess.Popen(["node", "server.mjs"], cwd=folder) as process:
        try:
            _listening(port)
            yield f"http://127.0.0.1:{port}/files", process.pid
        finally:
            process.terminate()


def _listening(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
