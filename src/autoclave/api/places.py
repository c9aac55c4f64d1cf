"""Where a request came from and what it believes to talk to: what keeps hostile pages out.

A page in somebody's browser reaches loopback too. It cannot choose the `Host` that its request
names (so a name that was rebound to this address is known by it) and cannot leave `Origin` and
`Sec-Fetch-Site` out where the browser sends them.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from .asgi import Scope, header
from .problems import Problem

_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,255})(?::([0-9]{1,5}))?")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")


@dataclass(frozen=True, slots=True)
class Places:
    """The names that this server is called by."""

    names: frozenset[str] = frozenset()

    def check(self, scope: Scope) -> None:
        """Raise Problem for a request that names another host or comes from another site."""
        host = header(scope, b"host") or ""
        self._check_host(host, scope)
        origin = header(scope, b"origin")
        if origin is not None and origin.lower() not in _own_origins(host):
            raise Problem(403, "foreign_origin", "this request comes from a page of another site")
        site = header(scope, b"sec-fetch-site")
        if site is not None and site not in ("same-origin", "none"):
            raise Problem(403, "foreign_origin", "a page of another site asked for this")

    def _check_host(self, host: str, scope: Scope) -> None:
        found = _AUTHORITY.fullmatch(host)
        name = found[1].strip("[]").lower() if found else ""
        if name in _LOOPBACK_NAMES or name in self.names or name == _own_address(scope):
            return
        raise Problem(
            403,
            "foreign_host",
            "the host that this request names is not this server",
            hint="a name of your own goes into the setting api_names",
        )


def is_loopback(scope: Scope) -> bool:
    """Whether whoever asks is on this machine, and not behind something that passes requests on."""
    if any(header(scope, name) is not None for name in _FORWARDED):
        return False
    return is_loopback_address(address_of(scope))


def is_loopback_address(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address == "localhost"
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def address_of(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _own_origins(host: str) -> tuple[str, str]:
    return f"http://{host}".lower(), f"https://{host}".lower()


def _own_address(scope: Scope) -> str:
    """The address that the connection came in on. A number is not a name, so nobody rebinds it."""
    server = scope.get("server")
    return str(server[0]).lower() if server else ""
