"""One request over one fresh connection to one checked address: the home of the HTTP library."""

from __future__ import annotations

import functools
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpcore2

from ..domain.errors import InvalidInput, Unreachable
from .urls import Url


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An answer whose body has yet to come."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


class _Pinned(httpcore2.AsyncNetworkBackend):
    """Connects to the checked address, whatever the name stands for by now.

    The name stays the one of the URL for everything else: the `Host` line, the server name that
    TLS sends, and the certificate.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the form of the library
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return await self._inner.connect_tcp(self._address, port, timeout=timeout)


@asynccontextmanager
async def opened(
    url: Url,
    *,
    address: str,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Opened]:
    """Send one request and hand out the beginning of the answer; closes the connection.

    Raises Unreachable, or InvalidInput when what comes is no HTTP.
    """
    connection = httpcore2.AsyncHTTPConnection(
        origin=httpcore2.Origin(url.scheme.encode(), url.host.encode(), url.port),
        ssl_context=tls or _usual_tls() if url.scheme == "https" else None,
        network_backend=_Pinned(address),
    )
    request = httpcore2.Request(
        method,
        httpcore2.URL(
            scheme=url.scheme.encode(),
            host=url.host.encode(),
            port=url.port,
            target=url.target.encode(),
        ),
        headers=[("Host", url.netloc), *headers.items(), *_length(method, body)],
        content=body,
    )
    with _in_our_words(url):
        async with connection:
            response = await connection.handle_async_request(request)
            yield Opened(
                status=response.status,
                headers=_joined(response.headers),
                body=response.aiter_stream(),
            )


def _length(method: str, body: bytes) -> list[tuple[str, str]]:
    needs_it = body or method in ("POST", "PUT", "PATCH")
    return [("Content-Length", str(len(body)))] if needs_it else []


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Without cookies: nothing here keeps a session."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name != "set-cookie":
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


@functools.cache
def _usual_tls() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


@contextmanager
def _in_our_words(url: Url) -> Iterator[None]:
    """Turns the library's errors into ours."""
    try:
        yield
    except httpcore2.RemoteProtocolError as error:
        message = f"{url.place} does not speak HTTP as it should: {error}"
        raise InvalidInput(message) from error
    except httpcore2.LocalProtocolError as error:
        raise InvalidInput(f"this cannot be sent to {url.place}: {error}") from error
    except (httpcore2.NetworkError, httpcore2.TimeoutException, OSError) as error:
        why = str(error) or type(error).__name__
        raise Unreachable(f"{url.place} cannot be reached: {why}") from error
