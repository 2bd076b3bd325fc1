"""Which addresses the platform may connect to on somebody's word: public ones, resolved once."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from meshkit.errors import FieldError, InvalidArgument, Unavailable

RESOLVED_WITHIN = 5.0
"""Seconds."""
_CARRIERS = (
    # Networks that carry an IPv4 address, and how far from its right end: whoever routes them ends up there.
    (IPv6Network("::/96"), 0),  # IPv4-compatible, RFC 4291
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped, RFC 4291
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)
_NOWHERE = (
    # What `ipaddress` of older Pythons takes for global.
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv6Network("3fff::/20"),  # for documentation, RFC 9637
)
_NOT_FOUND = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def is_global(address: str) -> bool:
    """Whether `address` is reachable from everywhere, and so nobody's inside; also false for what is no address."""
    try:
        found = _unwrapped(address)
    except ValueError:
        return False
    inside = found.is_multicast or found.is_reserved or getattr(found, "is_site_local", False)
    return found.is_global and not inside and not any(found in network for network in _NOWHERE)


def is_loopback(address: str) -> bool:
    try:
        return _unwrapped(address).is_loopback
    except ValueError:
        return False


async def resolve_public(host: str, port: int, *, allow_loopback: bool) -> str:
    """The address of `host` to connect to; a second look at its name could find another.

    Raises InvalidArgument (`url_not_allowed`) when any of its addresses is not public (or loopback, where that is
    allowed), InvalidArgument (`host_not_found`), or Unavailable (`host_unresolved`) when nobody could say.
    """
    addresses = await _resolved(host, port)
    for address in addresses:
        if not is_global(address) and not (allow_loopback and is_loopback(address)):
            field = FieldError("url", f"{host} is not a public host")
            raise InvalidArgument("url_not_allowed", field.message, fields=(field,))
    return addresses[0]


def _unwrapped(address: str) -> IPv4Address | IPv6Address:
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and int(found) > 1:
        for network, shift in _CARRIERS:
            if found in network:
                return IPv4Address(int(found) >> shift & 0xFFFFFFFF)
    return found


async def _resolved(host: str, port: int) -> list[str]:
    with suppress(ValueError):
        return [str(ip_address(host))]
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVED_WITHIN):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NOT_FOUND:
            field = FieldError("url", f"there is no host {host}")
            raise InvalidArgument("host_not_found", field.message, fields=(field,)) from None
        raise Unavailable("host_unresolved", f"{host} could not be resolved") from error
    except (OSError, TimeoutError) as error:
        raise Unavailable("host_unresolved", f"{host} could not be resolved") from error
    except ValueError as error:
        # A name that DNS cannot carry: empty labels, more than 63 characters in one.
        field = FieldError("url", "is not the name of a host")
        raise InvalidArgument("host_not_found", field.message, fields=(field,)) from error
    return list(dict.fromkeys(str(address[4][0]) for address in found))
