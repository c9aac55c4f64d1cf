"""The loop and one HTTP server beside it, in one process and one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from ..domain.canonical import JsonObject
from ..domain.errors import (
    AutoclaveError,
    Busy,
    ConfigurationInvalid,
    CredentialMissing,
    InvalidInput,
)
from ..service.control import Control
from ..service.tokens import TokenStore
from .asgi import App
from .callers import Callers
from .guard import Guard
from .places import Places, is_loopback_address
from .probes import Probes
from .protocols import PatientHttp, PatientWebSocket
from .stream import Stream

_LONGEST_HEAD = 32 * 1024
_LARGEST_FRAME = 16 * 1024
_MOST_CONNECTIONS = 256
_GRACE_SECONDS = 5

Listener = Callable[[JsonObject], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Where the server listens, and what it lets in."""

    host: str = "127.0.0.1"
    port: int = 8321
    names: frozenset[str] = frozenset()
    """Further names that it is called by, such as that of a proxy before it."""
    workspaces: tuple[Path, ...] = ()
    metrics_need_token: bool = False


async def serve(
    control: Control,
    stop: asyncio.Event,
    *,
    http: HttpSettings,
    listener: Listener | None = None,
    note: Callable[[str], None],
) -> None:
    """Work on everything and answer over HTTP until `stop` is set.

    Raises Busy when another agent runs or the port is taken, CredentialMissing when strangers
    could reach a server without tokens.
    """
    tokens = TokenStore(control.home.runtime)
    check_reach(http.host, tokens)
    with bind(http.host, http.port) as listening:
        working = asyncio.create_task(control.serve(stop, listener))
        # Its first step takes the home, or finds it taken: before that nothing is to be announced.
        await asyncio.sleep(0)
        try:
            if not working.done():
                app = guard(control, tokens, http=http, is_working=lambda: not working.done())
                async with listening_on(app, listening):
                    note(f"answering at {url_of(listening)}")
                    await asyncio.wait({working})
        finally:
            stop.set()
            await asyncio.wait({working})
            tokens.keep_uses()
        working.result()


def guard(
    control: Control,
    tokens: TokenStore,
    *,
    http: HttpSettings,
    is_working: Callable[[], bool],
) -> Guard:
    """Everything that is answered over HTTP."""
    callers = Callers(tokens)
    names = {http.host, *http.names}
    if not is_loopback_address(http.host):
        names.add(socket.gethostname())
    return Guard(
        places=Places(frozenset(name.lower() for name in names)),
        callers=callers,
        probes=Probes(control, is_working=is_working),
        stream=Stream(control, callers),
        rest=_later(control, http),
        log=control.home.log,
        metrics_need_token=http.metrics_need_token,
    )


def check_reach(host: str, tokens: TokenStore) -> None:
    """Raise CredentialMissing for a server that others can reach and nobody has a token for."""
    if not is_loopback_address(host) and not tokens.has_any():
        raise CredentialMissing(
            f"others can reach {host}, and there is no token to tell them apart",
            hint="autoclave token create NAME --role viewer",
        )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Busy, InvalidInput, ConfigurationInvalid."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio sets TCP_NODELAY; without, each answer takes 40 ms more.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise _no_socket(host, port, error) from error
    return listening


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@asynccontextmanager
async def listening_on(app: App, listening: socket.socket) -> AsyncIterator[None]:
    """Answer on the socket; at the end what is under way is finished, and streams are told."""
    server = _Server(_config(app))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    await server.is_up.wait()
    try:
        yield
    finally:
        server.stop.set()
        await running


class _Server(uvicorn.Server):
    """Without a tick: it would wake the process ten times a second to look at the clock."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()
        self.is_up = asyncio.Event()

    async def main_loop(self) -> None:
        self.is_up.set()
        await self.stop.wait()
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to the command line."""
        yield


def _config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PatientHttp,
        ws=PatientWebSocket,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ws_max_size=_LARGEST_FRAME,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        ws_per_message_deflate=False,
    )


def _later(control: Control, http: HttpSettings) -> Callable[[], Awaitable[App]]:
    """The REST application when it is first wanted, imported where it holds nothing up."""
    made: list[App] = []
    turn = asyncio.Lock()

    def make() -> App:
        from .rest import rest_app

        return rest_app(control, workspaces=http.workspaces)

    async def rest() -> App:
        async with turn:
            if not made:
                made.append(await asyncio.to_thread(make))
        return made[0]

    return rest


def _no_socket(host: str, port: int, error: Exception) -> AutoclaveError:
    if not isinstance(error, OSError):
        return InvalidInput(f"{port} is no port: there are 0 to 65535")
    if error.errno == errno.EADDRINUSE:
        return Busy(
            f"port {port} of {host} is taken by another process",
            hint="name another one with --port (0 for any), or --no-http",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigurationInvalid(f"port {port} of {host} may not be used: {error.strerror}")
    return InvalidInput(f"cannot listen at {host}, port {port}: {error.strerror or error}")
