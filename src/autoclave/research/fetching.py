"""Reaches outside, guardedly: one name look-up per hop, public addresses only, every hop judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from ..domain.errors import InvalidInput, NotAllowed, Unreachable
from ..domain.fetch import FetchRequest, FetchResponse
from .addresses import OWN, AddressKind, kind_of, parse_address
from .looking_up import Resolve, look_up, system_addresses
from .request_headers import check_headers, with_ours, without_secrets
from .unpacking import Unpacking
from .urls import Url, follow, parse_url

if TYPE_CHECKING:
    import ssl

    from .connection import Opened

MOST_REDIRECTS = 5
MOST_BODY = 1 << 20
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_FOLLOWED = frozenset({"GET", "HEAD"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_TRIED = 3
"""Addresses of one name."""
_INSIDE = frozenset({"internal", "local", "localhost", "localdomain", "lan", "home", "corp"})
_INSIDE_ENDINGS = (".home.arpa", ".in-addr.arpa", ".ip6.arpa")

Allow: TypeAlias = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    url: Url
    method: str
    headers: Mapping[str, str]
    body: bytes
    most_bytes: int


class GuardedFetcher:
    """A Fetcher. `allow_private` names servers of one's own as `host:port`: they may be inside,
    on any port and without TLS. By default there are none."""

    def __init__(
        self,
        *,
        allow_private: frozenset[str] = frozenset(),
        allow_http: bool = False,
        resolve: Resolve = system_addresses,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._own = allow_private
        self._allow_http = allow_http
        self._resolve = resolve
        self._tls = tls

    async def fetch(self, request: FetchRequest, *, allow: Allow) -> FetchResponse:
        """See the port."""
        hop = _first_hop(request)
        try:
            async with asyncio.timeout(request.seconds):
                return await self._fetch(hop, allow)
        except TimeoutError as error:
            message = f"{hop.url.place} took longer than {request.seconds:g} s"
            raise Unreachable(message) from error

    async def _fetch(self, hop: _Hop, allow: Allow) -> FetchResponse:
        passed: list[str] = []
        while True:
            answer = await self._hop(hop, allow)
            if isinstance(answer, FetchResponse):
                return replace(answer, redirects=tuple(passed))
            passed.append(hop.url.text)
            if len(passed) > MOST_REDIRECTS:
                raise InvalidInput(f"{passed[0]} redirects more than {MOST_REDIRECTS} times")
            check_redirect(hop.url, answer, own=self._own)
            hop = _next_hop(hop, answer)

    async def _hop(self, hop: _Hop, allow: Allow) -> FetchResponse | Url:
        """The answer of one server, or where it points to."""
        self._check_place(hop.url)
        allow(hop.url.text, "")
        failed: Unreachable | None = None
        for address in (await self._addresses(hop.url))[:_MOST_TRIED]:
            allow(hop.url.text, address)
            try:
                return await self._ask(hop, address)
            except _NoConnection as error:
                failed = error.why
        raise failed or Unreachable(f"{hop.url.host} has no address")

    def _check_place(self, url: Url) -> None:
        """What can be told before the name is looked up."""
        if url.place in self._own:
            return
        if url.scheme == "http" and not self._allow_http:
            raise NotAllowed(f"{url.text} is not encrypted", hint="ask for it with https://")
        if not url.has_usual_port:
            raise NotAllowed(f"port {url.port} of {url.host} is not one for pages")
        if url.is_named and _names_something_inside(url.host):
            raise NotAllowed(f"{url.host} is a name for something inside")

    async def _addresses(self, url: Url) -> Sequence[str]:
        """Looked up once and checked: if one address is forbidden, none is used."""
        found = await look_up(self._resolve, url.host, url.port) if url.is_named else [url.host]
        own = OWN if url.place in self._own else frozenset[AddressKind]()
        for text in found:
            kind = kind_of(parse_address(text))
            if kind is not AddressKind.PUBLIC and kind not in own:
                raise NotAllowed(f"{url.host} leads to {text}, which is {kind}")
        return found

    async def _ask(self, hop: _Hop, address: str) -> FetchResponse | Url:
        from .connection import opened  # the HTTP library is heavy

        is_open = False
        try:
            async with opened(
                hop.url,
                address=address,
                method=hop.method,
                headers=with_ours(hop.headers),
                body=hop.body,
                tls=self._tls,
            ) as answer:
                is_open = True
                return await _read(hop, address, answer)
        except Unreachable as error:
            # Once it has answered, or may have been told something, no other address is tried.
            if is_open or hop.method not in _FOLLOWED:
                raise
            raise _NoConnection(error) from error


def check_redirect(url: Url, target: Url, *, own: frozenset[str]) -> None:
    """Raise NotAllowed where a page may not point to."""
    if url.scheme == "https" and target.scheme == "http":
        raise NotAllowed(f"{url.text} redirects to {target.text}, which is not encrypted")
    if target.place in own and url.place not in own:
        raise NotAllowed(f"{url.text} outside points to {target.text} inside")


class _NoConnection(Exception):
    """This address does not answer; another one of the same name may."""

    def __init__(self, why: Unreachable) -> None:
        super().__init__(why.message)
        self.why = why


def _first_hop(request: FetchRequest) -> _Hop:
    if request.method not in _METHODS:
        raise InvalidInput(f"{request.method!r} is not a method; say {', '.join(sorted(_METHODS))}")
    if len(request.body) > MOST_BODY:
        raise InvalidInput(f"the body is longer than {MOST_BODY} bytes")
    check_headers(request.headers)
    return _Hop(
        url=parse_url(request.url),
        method=request.method,
        headers=request.headers,
        body=request.body,
        most_bytes=request.most_bytes,
    )


def _next_hop(hop: _Hop, target: Url) -> _Hop:
    stays = target.origin == hop.url.origin
    headers = hop.headers if stays else without_secrets(hop.headers)
    return replace(hop, url=target, headers=headers, body=hop.body if stays else b"")


def _names_something_inside(host: str) -> bool:
    last = host.rpartition(".")[2]
    return last == host or last in _INSIDE or host.endswith(_INSIDE_ENDINGS)


async def _read(hop: _Hop, address: str, answer: Opened) -> FetchResponse | Url:
    if answer.status < 200:
        raise InvalidInput(f"{hop.url.place} wants to speak something else than HTTP")
    location = answer.headers.get("location", "")
    if answer.status in _REDIRECTS and hop.method in _FOLLOWED and location:
        return follow(hop.url, location)
    return FetchResponse(
        status=answer.status,
        url=hop.url.text,
        headers=dict(answer.headers),
        body=await _body(hop, answer),
        address=address,
        redirects=(),
    )


async def _body(hop: _Hop, answer: Opened) -> bytes:
    if hop.method == "HEAD":
        return b""
    announced = answer.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > hop.most_bytes:
        raise InvalidInput(f"the answer is longer than {hop.most_bytes} bytes")
    encoding = answer.headers.get("content-encoding", "")
    unpacking = Unpacking(encoding, most_bytes=hop.most_bytes)
    pieces = [unpacking.take(piece) async for piece in answer.body]
    unpacking.end()
    return b"".join(pieces)
