"""Wire the gateway."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from meshkit.credentials import OwnToken, identity_at
from meshkit.objects import Objects
from meshkit.settings import S3Settings
from meshkit.storing import storing
from services.gateway.app import make_app
from services.gateway.auth import Authenticator
from services.gateway.channels import services_at
from services.gateway.feed import HEARTBEAT, Feed
from services.gateway.http_api.deps import Gateway
from services.gateway.links import Links
from services.gateway.memory import keep_freed
from services.gateway.playback import SIGNED_FOR, Playbacks
from services.gateway.rates import Kind, Rate, Rates
from services.gateway.receiving import Receiver
from services.gateway.serve import serving

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator


class Settings(S3Settings):
    http_host: str = "127.0.0.1"
    http_port: int
    public_url: str
    """Where clients reach the gateway: its own URLs begin so."""
    identity_addr: str
    upload_addr: str
    metadata_addr: str
    transcode_addr: str
    notify_addr: str
    service_key: str
    playback_mode: Literal["redirect", "proxy"] = "redirect"
    streams: int = 32
    """Files that are taken in through this process at a time; each may hold up to four parts of 8 MiB."""
    cors_origins: list[str] | None = None
    """Pages that may call the API from a browser; when not said, all in development and none in production."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For is believed."""
    rate_limits: dict[Kind, Rate] = Field(default={})
    """Requests of one address, and of one caller, by class of route; what is not named keeps its default."""

    @property
    def origins(self) -> list[str]:
        if self.cors_origins is not None:
            return self.cors_origins
        return ["*"] if self.development else []


async def main(settings: Settings, stop: asyncio.Event) -> None:
    keep_freed()
    async with running(settings, stop):
        await stop.wait()


@asynccontextmanager
async def running(settings: Settings, stop: asyncio.Event, *, heartbeat: float = HEARTBEAT) -> AsyncIterator[int]:
    """The port that the gateway serves on, until the end of the block; set `stop` before, so that feeds end."""
    objects = Objects(settings)
    redirects = settings.playback_mode == "redirect"
    async with identity_at(settings.identity_addr) as identity, storing(settings) as store:
        verifier = identity.verifier()
        async with services_at(settings, OwnToken(identity, settings.service_key)) as services:
            gateway = Gateway(
                services=services,
                authenticate=Authenticator(verifier, identity.exchange),
                playbacks=Playbacks(services.resolver, verifier, objects),
                objects=objects,
                links=Links(
                    settings.public_url, partial(objects.sign_get, expires_in=SIGNED_FOR) if redirects else None
                ),
                feed=Feed(notify=services.notify, stop=stop, heartbeat=heartbeat),
                rates=Rates(settings.rate_limits),
                receiver=Receiver(services, store, stop, limit=settings.streams),
                redirects=redirects,
            )
            app = make_app(gateway, settings.origins)
            async with serving(app, settings.http_host, settings.http_port, settings.trusted_proxies) as port:
                yield port
