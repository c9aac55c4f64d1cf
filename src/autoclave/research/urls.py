"""URLs in one spelling: what two programs could read in two ways is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, NoReturn, TypeAlias
from urllib.parse import urljoin

from ..domain.errors import InvalidInput

LONGEST = 2_048
MOST_LABELS = 10
Scheme: TypeAlias = Literal["https", "http"]
_SCHEMES: Mapping[str, Scheme] = {"https": "https", "http": "http"}
_PORTS: Mapping[str, int] = {"https": 443, "http": 80}
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_FORM = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]*)(?P<rest>.*)")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """Where a page is. Only `parse_url` and `follow` make one."""

    scheme: Scheme
    host: str
    """A name in small letters, or an address; one of version 6 without brackets."""
    port: int
    target: str
    """Path and query."""

    @property
    def netloc(self) -> str:
        return self.place.removesuffix(f":{_PORTS[self.scheme]}")

    @property
    def text(self) -> str:
        """Its one spelling."""
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def place(self) -> str:
        """Host and port, as people name a server of their own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def has_usual_port(self) -> bool:
        return self.port == _PORTS[self.scheme]

    @property
    def is_named(self) -> bool:
        """Whether its host is a name and not an address."""
        return ":" not in self.host and not _NUMBER.fullmatch(self.host.rpartition(".")[2])


def parse_url(text: str) -> Url:
    """The URL that a text spells. Raises InvalidInput saying what is wrong with it."""
    _check_characters(text)
    form = _FORM.fullmatch(text)
    if form is None:
        _refuse(text, "it does not start with https://")
    authority, rest = form["authority"], form["rest"].partition("#")[0]
    if "@" in authority:
        _refuse(text, "a user in front of the host is not allowed")
    host, port = _split_authority(text, authority)
    scheme = _SCHEMES.get(form["scheme"].lower())
    if scheme is None:
        _refuse(text, "it is neither https nor http")
    return Url(
        scheme=scheme,
        host=_host(text, host),
        port=_PORTS[scheme] if port is None else _port(text, port),
        target=_target(rest),
    )


def follow(base: Url, location: str) -> Url:
    """Where a redirect leads. Raises InvalidInput."""
    _check_characters(location)
    try:
        joined = urljoin(base.text, location)
    except ValueError as error:
        raise InvalidInput(f"{location!r} is not a URL: {error}") from error
    return parse_url(joined)


def _check_characters(text: str) -> None:
    if not text:
        _refuse(text, "it is empty")
    if len(text) > LONGEST:
        _refuse(text[:80], f"it is longer than {LONGEST} characters")
    if not _ALLOWED.fullmatch(text):
        _refuse(text, "it holds characters that are not allowed in a URL; escape them with %")
    if _BROKEN_ESCAPE.search(text):
        _refuse(text, "a % is not followed by two hexadecimal digits")


def _split_authority(text: str, authority: str) -> tuple[str, str | None]:
    """Host and port; None where no port is given."""
    closing = authority.rfind("]")
    if authority.startswith("[") and closing > 0:
        after = authority[closing + 1 :]
        if after and not after.startswith(":"):
            _refuse(text, "something stands between the address and the port")
        return authority[: closing + 1], after[1:] if after else None
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def _port(text: str, port: str) -> int:
    if not _PORT.fullmatch(port) or int(port) > 65_535:
        _refuse(text, f"{port!r} is not a port")
    return int(port)


def _host(text: str, host: str) -> str:
    host = host.lower()
    if host.startswith("["):
        return _version_6(text, host)
    if len(host) > 253:
        _refuse(text, "the host is longer than 253 characters")
    labels = host.split(".")
    if len(labels) > MOST_LABELS:
        _refuse(text, f"the host has more than {MOST_LABELS} labels")
    # As browsers do: a host that ends in a number is an address, in whatever odd spelling.
    if _NUMBER.fullmatch(labels[-1]):
        return _version_4(text, host)
    for label in labels:
        if not _LABEL.fullmatch(label):
            _refuse(text, f"{label!r} is not a label of a host name")
    return host


def _version_4(text: str, host: str) -> str:
    try:
        return str(IPv4Address(host))
    except ValueError:
        _refuse(text, f"{host} is an odd spelling of an address; write four decimal numbers")


def _version_6(text: str, host: str) -> str:
    try:
        if "%" in host:
            raise ValueError("a zone")
        return str(IPv6Address(host[1:-1]))
    except ValueError:
        _refuse(text, f"{host} is not an address")


def _target(rest: str) -> str:
    path, mark, query = rest.partition("?")
    plain = _ESCAPE.sub(_unescape, path)
    return f"{_without_dots(plain)}{mark}{_ESCAPE.sub(_unescape, query)}"


def _unescape(escape: re.Match[str]) -> str:
    """Letters and digits need no escape; every other one has one spelling."""
    character = chr(int(escape[1], 16))
    return character if character in _PLAIN else escape[0].upper()


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _refuse(text: str, why: str) -> NoReturn:
    shown = text if len(text) <= 200 else f"{text[:200]}…"
    raise InvalidInput(f"{shown!r} cannot be read as a URL: {why}")
