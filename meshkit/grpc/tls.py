"""Mutual TLS between the processes of the mesh: whoever has no certificate of its authority gets no connection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from meshkit.settings import Settings

_server: grpc.ServerCredentials | None = None
_client: grpc.ChannelCredentials | None = None


def set_up(settings: Settings) -> None:
    """For all channels and servers that this process makes from here on; plain where no certificate is configured."""
    global _server, _client  # noqa: PLW0603 - a certificate is the process's, as its logs are
    _server = _client = None
    if settings.grpc_tls_cert:
        cert, key, authority = [
            Path(each).read_bytes() for each in (settings.grpc_tls_cert, settings.grpc_tls_key, settings.grpc_tls_ca)
        ]
        _server = grpc.ssl_server_credentials([(key, cert)], root_certificates=authority, require_client_auth=True)
        _client = grpc.ssl_channel_credentials(authority, key, cert)


def listen(server: grpc.aio.Server, address: str) -> int:
    """The port that it is."""
    return server.add_secure_port(address, _server) if _server else server.add_insecure_port(address)


def connect(target: str, **options: object) -> grpc.aio.Channel:
    if _client is None:
        return grpc.aio.insecure_channel(target, **options)  # type: ignore[arg-type]  # what grpc.aio takes by name
    return grpc.aio.secure_channel(target, _client, **options)  # type: ignore[arg-type]  # the same
