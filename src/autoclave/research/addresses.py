"""Which IP addresses lie outside: everything that may be inside, or is nobody's, has a name here.

The library's `is_global` is not asked: it is true for NAT64, for multicast and for some tunnels.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from ..domain.errors import InvalidInput

Address: TypeAlias = IPv4Address | IPv6Address


class AddressKind(StrEnum):
    """Who lives at an address."""

    PUBLIC = "public"
    LOOPBACK = "this machine"
    PRIVATE = "private"
    SHARED = "shared by a provider's customers"
    LINK_LOCAL = "link-local"
    METADATA = "a cloud's metadata service"
    MULTICAST = "multicast"
    UNSPECIFIED = "unspecified"
    BENCHMARK = "for benchmarks"
    DOCUMENTATION = "for documentation"
    RESERVED = "reserved"
    TUNNEL = "a tunnel to another address"


OWN = frozenset({AddressKind.LOOPBACK, AddressKind.PRIVATE, AddressKind.SHARED})
"""Where people run servers of their own. The other kinds are for nobody, whoever asks."""

_METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd20:ce::254",
        ),
    )
)

_VERSION_4: Mapping[IPv4Network, AddressKind] = {
    IPv4Network(network): kind
    for network, kind in {
        "0.0.0.0/8": AddressKind.UNSPECIFIED,
        "10.0.0.0/8": AddressKind.PRIVATE,
        "100.64.0.0/10": AddressKind.SHARED,
        "127.0.0.0/8": AddressKind.LOOPBACK,
        "169.254.0.0/16": AddressKind.LINK_LOCAL,
        "172.16.0.0/12": AddressKind.PRIVATE,
        "192.0.0.0/24": AddressKind.RESERVED,
        "192.0.2.0/24": AddressKind.DOCUMENTATION,
        "192.88.99.0/24": AddressKind.TUNNEL,
        "192.168.0.0/16": AddressKind.PRIVATE,
        "198.18.0.0/15": AddressKind.BENCHMARK,
        "198.51.100.0/24": AddressKind.DOCUMENTATION,
        "203.0.113.0/24": AddressKind.DOCUMENTATION,
        "224.0.0.0/4": AddressKind.MULTICAST,
        "240.0.0.0/4": AddressKind.RESERVED,
    }.items()
}

_VERSION_6: Mapping[IPv6Network, AddressKind] = {
    IPv6Network(network): kind
    for network, kind in {
        "::/128": AddressKind.UNSPECIFIED,
        "::1/128": AddressKind.LOOPBACK,
        "::/96": AddressKind.TUNNEL,
        "64:ff9b:1::/48": AddressKind.TUNNEL,
        "2001:2::/48": AddressKind.BENCHMARK,
        "2001::/32": AddressKind.TUNNEL,
        "2001::/23": AddressKind.RESERVED,
        "2001:db8::/32": AddressKind.DOCUMENTATION,
        "2002::/16": AddressKind.TUNNEL,
        "3fff::/20": AddressKind.DOCUMENTATION,
        "fc00::/7": AddressKind.PRIVATE,
        "fe80::/10": AddressKind.LINK_LOCAL,
        "fec0::/10": AddressKind.PRIVATE,
        "ff00::/8": AddressKind.MULTICAST,
    }.items()
}
"""In order: the first that holds it decides."""
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def parse_address(text: str) -> Address:
    """The address that a text spells in the one usual way. InvalidInput for any other spelling."""
    try:
        if "%" in text:
            raise ValueError("a zone is no part of an address outside")
        return ip_address(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not an IP address") from error


def kind_of(address: Address) -> AddressKind:
    """Who lives there. An address that carries another one is judged by that one too."""
    if address in _METADATA:
        return AddressKind.METADATA
    if isinstance(address, IPv4Address):
        found = (kind for network, kind in _VERSION_4.items() if address in network)
        return next(found, AddressKind.PUBLIC)
    carried = carried_by(address)
    inner = AddressKind.PUBLIC if carried is None else kind_of(carried)
    if inner is not AddressKind.PUBLIC:
        return inner
    if address in _MAPPED or address in _NAT64:
        return AddressKind.PUBLIC
    kinds = (kind for network, kind in _VERSION_6.items() if address in network)
    usual = AddressKind.PUBLIC if address in _GLOBAL_UNICAST else AddressKind.RESERVED
    return next(kinds, usual)


def carried_by(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to: mapped, translated or tunnelled."""
    number = int(address)
    low = IPv4Address(number & 0xFFFFFFFF)
    if address in _MAPPED or address in _NAT64 or (number >> 32 == 0 and number > 1):
        return low
    if address in IPv6Network("64:ff9b:1::/48"):
        return low
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return low if (number >> 32) & 0xFFFFFFFF in _ISATAP else None
