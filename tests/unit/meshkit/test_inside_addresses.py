"""Some hundred ways to write the address of something inside, none of which leads there."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from meshkit.addresses import is_global, resolve_public
from meshkit.errors import InvalidArgument

INSIDE_4 = [
    "0.0.0.0",
    "0.0.0.8",
    "10.0.0.1",
    "10.255.255.254",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
]
INSIDE_6 = [
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "0000:0000:0000:0000:0000:0000:0000:0001",
    "100::1",
    "100:0:0:1::1",
    "64:ff9b:1::1",
    "64:ff9b:1:a00:0:100::",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2001:DB8:0:0::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "fe80::1%1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fec0::1",
    "fec0:0:0:ffff::1",
    "feff::1",
    "ff01::1",
    "ff02::1",
    "ff05::1:3",
    "ff0e::1",
    "4000::1",
    "8000::1",
    "ffff::1",
]


def written(address: str) -> list[str]:
    """An IPv4 address in the ways that inet_aton(3) reads."""
    number = int(IPv4Address(address))
    a, b, c, d = IPv4Address(address).packed
    return [
        address,
        str(number),
        hex(number),
        f"0X{number:08X}",
        f"0{number:o}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"000{a:o}.{b}.{c:#x}.{d}",
        f"{a}.{b << 16 | c << 8 | d}",
        f"{a:#x}.{b << 16 | c << 8 | d:#x}",
        f"{a}.{b}.{c << 8 | d}",
    ]


def carried(address: str) -> list[str]:
    """The IPv6 addresses that lead to an IPv4 address."""
    number = int(IPv4Address(address))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    mapped = f"::ffff:{high}:{low}"
    return [
        f"::{address}",
        f"::ffff:{address}",
        mapped,
        mapped.upper(),
        IPv6Address(mapped).exploded,
        f"::ffff:0:{address}",
        f"64:ff9b::{address}",
        f"64:ff9b::{high}:{low}",
        f"2002:{high}:{low}::",
        f"2002:{high}:{low}::1",
        f"2002:{high}:{low}:ffff:ffff:ffff:ffff:ffff",
    ]


REFUSED = r"url_not_allowed|host_not_found"
WRITTEN = [form for address in INSIDE_4 for form in written(address)]
CARRIED = [form for address in INSIDE_4 for form in carried(address)]
EVERY = list(dict.fromkeys([*WRITTEN, *CARRIED, *INSIDE_6]))


def test_there_are_enough_of_them() -> None:
    assert len(EVERY) > 400


@pytest.mark.parametrize("form", [*dict.fromkeys([*INSIDE_4, *CARRIED, *INSIDE_6])])
def test_none_is_global(form: str) -> None:
    assert not is_global(form)


async def test_none_can_be_called() -> None:
    for form in EVERY:
        with pytest.raises(InvalidArgument, match=REFUSED):
            pytest.fail(f"{form} led to {await resolve_public(form, 80, allow_loopback=False)}")


async def test_where_loopback_is_allowed_nothing_else_is() -> None:
    for address in INSIDE_4:
        for form in [*written(address), *carried(address)]:
            if address.startswith("127."):
                continue
            with pytest.raises(InvalidArgument, match=REFUSED):
                pytest.fail(f"{form} led to {await resolve_public(form, 80, allow_loopback=True)}")
