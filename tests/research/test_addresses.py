"""Which addresses lie outside."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import InvalidInput
from autoclave.research.addresses import AddressKind, kind_of, parse_address

FORBIDDEN_4 = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
)
FORBIDDEN_6 = (
    *("::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32"),
    *("3fff::/20", "2001::/23", "100::/64", "fd00:ec2::254/128", "64:ff9b:1::/48", "2002::/16"),
)


def within(networks: tuple[str, ...]) -> st.SearchStrategy[int]:
    """Any address of any of them, with the first and the last of each."""
    ranges = []
    for each in networks:
        network = (IPv6Network if ":" in each else IPv4Network)(each)
        low, high = int(network.network_address), int(network.broadcast_address)
        ranges += [st.sampled_from([low, high]), st.integers(low, high)]
    return st.one_of(ranges)


def carriers(low: int, other: int) -> dict[str, IPv6Address]:
    """Every way to write an IPv4 address as one of version 6."""
    return {
        "mapped": IPv6Address(0xFFFF << 32 | low),
        "compatible": IPv6Address(low),
        "nat64": IPv6Address(0x64FF9B << 96 | low),
        "local nat64": IPv6Address(0x64FF9B0001 << 80 | low),
        "6to4": IPv6Address(0x2002 << 112 | low << 80 | other),
        "teredo": IPv6Address(0x20010000 << 96 | other << 64 | low ^ 0xFFFFFFFF),
        "isatap": IPv6Address(0x2600 << 112 | 0x5EFE << 32 | low),
    }


@given(within(FORBIDDEN_4), st.integers(0, 2**32 - 1))
def test_forbidden_in_every_spelling(number: int, other: int) -> None:
    """What is forbidden stays so inside any address of version 6."""
    spellings = {"plain": IPv4Address(number)} | carriers(number, other)

    let_through = [name for name, each in spellings.items() if kind_of(each) is AddressKind.PUBLIC]

    assert let_through == []


@given(within(FORBIDDEN_6))
def test_forbidden_of_version_6(number: int) -> None:
    """Nothing but the public part of version 6 is public."""
    assert kind_of(IPv6Address(number)) is not AddressKind.PUBLIC


@given(st.integers(0, 2**32 - 1))
def test_never_looser_than_the_library(number: int) -> None:
    """The library's opinion is not enough, but it is never overruled to the loose side."""
    address = IPv4Address(number)

    assert kind_of(address) is not AddressKind.PUBLIC or (
        address.is_global and not address.is_multicast
    )


@pytest.mark.parametrize(
    "text",
    [
        *("1.1.1.1", "8.8.8.8", "93.184.215.14", "151.101.0.223", "172.32.0.1", "192.167.255.255"),
        *("2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "64:ff9b::8.8.8.8", "::ffff:1.1.1.1"),
    ],
)
def test_ordinary_ones_are_public(text: str) -> None:
    """Pages live there; NAT64 is how a network without version 4 reaches the others."""
    assert kind_of(ip_address(text)) is AddressKind.PUBLIC


@pytest.mark.parametrize(
    "text", ["169.254.169.254", "168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254"]
)
def test_metadata_has_its_own_name(text: str) -> None:
    """Not even a server of one's own may be there."""
    assert kind_of(ip_address(text)) is AddressKind.METADATA


@pytest.mark.parametrize("text", ["fe80::1%eth0", "127.1", "0177.0.0.1", "2130706433", "", "x"])
def test_odd_spellings_are_none(text: str) -> None:
    """An address has one usual spelling."""
    with pytest.raises(InvalidInput):
        parse_address(text)
