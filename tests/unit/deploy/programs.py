"""Every program that runs in a container, by its module, and the settings that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.prepare import PrepareSettings
from meshkit.probe import ProbeSettings
from meshkit.settings import S3Settings
from services.gateway.main import Settings as GatewaySettings
from services.identity.main import Settings as IdentitySettings
from services.metadata.main import Settings as MetadataSettings
from services.notify.main import Settings as NotifySettings
from services.transcode.scheduler.main import Settings as SchedulerSettings
from services.transcode.worker.main import Settings as WorkerSettings
from services.upload.main import Settings as UploadSettings

if TYPE_CHECKING:
    from meshkit.settings import Settings

SERVICES: dict[str, type[Settings]] = {
    "services.identity": IdentitySettings,
    "services.upload": UploadSettings,
    "services.metadata": MetadataSettings,
    "services.transcode.scheduler": SchedulerSettings,
    "services.transcode.worker": WorkerSettings,
    "services.notify": NotifySettings,
    "services.gateway": GatewaySettings,
}
JOBS: dict[str, type[Settings]] = {
    "meshkit.prepare": PrepareSettings,
    "meshkit.bucket": S3Settings,
    "meshkit.probe": ProbeSettings,
}
