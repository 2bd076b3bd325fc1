"""Where a request comes from, as limits count it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

UNKNOWN = "unknown"
_ONE_SITE = 64
"""Bits of an IPv6 address that its user cannot change at will."""


def origin(scope: Scope) -> str:
    """The client's address; of an IPv6 address the network, of a mapped one the IPv4 address in it."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64] or UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address.packed, _ONE_SITE), strict=False))
