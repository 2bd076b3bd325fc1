"""What counts as public, and what hides behind an address."""

from __future__ import annotations

import pytest

from meshkit.addresses import is_global, resolve_public
from meshkit.errors import InvalidArgument

INSIDE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2002:c0a8:101::",
    "2001:db8::1",
    "2001::1",
    "fc00::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2606:4700:4700::1111"]


@pytest.mark.parametrize("address", [*INSIDE, "", "localhost", "1.1.1", "1.1.1.1.1"])
def test_what_is_inside_is_not_global(address: str) -> None:
    assert not is_global(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_everybody_reaches_is_global(address: str) -> None:
    assert is_global(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "::1", "localhost", "10.0.0.1"])
async def test_other_ways_to_write_an_inside_address_are_refused(host: str) -> None:
    with pytest.raises(InvalidArgument, match="url_not_allowed") as caught:
        await resolve_public(host, 80, allow_loopback=False)
    assert [field.field for field in caught.value.fields] == ["url"]


async def test_loopback_is_for_those_who_allow_it() -> None:
    assert await resolve_public("127.0.0.1", 80, allow_loopback=True) == "127.0.0.1"
    for host in ("10.0.0.1", "169.254.169.254", "0.0.0.0", "::ffff:10.0.0.1"):
        with pytest.raises(InvalidArgument, match="url_not_allowed"):
            await resolve_public(host, 80, allow_loopback=True)


async def test_a_public_address_is_given_back() -> None:
    assert await resolve_public("8.8.8.8", 443, allow_loopback=False) == "8.8.8.8"


@pytest.mark.parametrize("host", ["a" * 64 + ".example", ".example", "a..b"])
async def test_what_cannot_be_a_name_is_not_found(host: str) -> None:
    with pytest.raises(InvalidArgument, match="host_not_found"):
        await resolve_public(host, 80, allow_loopback=False)
