"""A real home, a real door to it and a real server on loopback."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.stories.conftest import proposing, waiting

from autoclave.api.callers import Callers
from autoclave.api.rates import Rate, Rates
from autoclave.api.serving import HttpSettings, bind, guard, listening_on, url_of
from autoclave.api.stream import Stream
from autoclave.service.control import Control
from autoclave.service.home import Home, init_home
from autoclave.service.tokens import Role, TokenStore
from autoclave.settings import Settings
from autoclave.wiring import open_control

__all__ = ["proposing", "waiting"]


@dataclass
class Place:
    """A server, its home and its tokens."""

    url: str
    control: Control
    tokens: TokenStore
    client: httpx2.AsyncClient
    stream: Stream
    callers: Callers
    texts: dict[Role, str] = field(default_factory=dict)

    def __getitem__(self, role: Role) -> dict[str, str]:
        """The header of a token of that role."""
        if role not in self.texts:
            self.texts[role] = self.tokens.create(str(role), role, by="person:test")[1]
        return {"authorization": f"Bearer {self.texts[role]}"}

    def token(self, role: Role) -> str:
        return self[role]["authorization"].removeprefix("Bearer ")

    def unlimited(self) -> None:
        """For tests that ask very often."""
        for name in ("_known", "_unknown"):
            setattr(self.callers, name, Rates(Rate(burst=1e9, per_second=1e9)))

    async def get(self, path: str, role: Role | None = Role.VIEWER, **more: Any) -> httpx2.Response:
        return await self.send("GET", path, role, **more)

    async def post(
        self, path: str, said: Any = None, role: Role | None = Role.APPROVER, **more: Any
    ) -> httpx2.Response:
        return await self.send("POST", path, role, json={} if said is None else said, **more)

    async def send(self, method: str, path: str, role: Role | None, **more: Any) -> httpx2.Response:
        headers = {**({} if role is None else self[role]), **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)


@asynccontextmanager
async def serving(home: Home, **settings: Any) -> AsyncIterator[Place]:
    """The HTTP side of `autoclave serve`, without its loop."""
    tokens = TokenStore(home.runtime)
    async with AsyncExitStack() as stack:
        control = open_control(home, settings=Settings())
        stack.push_async_callback(control.aclose)
        listening = stack.enter_context(bind("127.0.0.1", 0))
        http = HttpSettings(port=0, **settings)
        app = guard(control, tokens, http=http, is_working=lambda: True)
        await stack.enter_async_context(listening_on(app, listening))
        url = url_of(listening)
        client = httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60)
        await stack.enter_async_context(client)
        yield Place(
            url=url,
            control=control,
            tokens=tokens,
            client=client,
            stream=app.stream,
            callers=app.callers,
        )


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return init_home(tmp_path_factory.mktemp("api") / "home").home.root


@pytest.fixture
def home(empty_home: Path, fast_tmp_path: Path) -> Home:
    shutil.copytree(empty_home, fast_tmp_path / "home", symlinks=True)
    return Home(root=fast_tmp_path / "home")


@pytest.fixture
async def place(home: Home) -> AsyncIterator[Place]:
    async with serving(home) as place:
        yield place


@contextmanager
def served_beside(home: Home) -> Iterator[tuple[Place, Callable[[Any], Any]]]:
    """The same in a thread of its own, for tests that are not async; and a way to call into it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(doing: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(120)

    stack = AsyncExitStack()
    try:
        place = call(stack.enter_async_context(serving(home)))
        place.unlimited()
        yield place, call
    finally:
        call(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def waiting_root(proposing: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of a home with a proposal that waits, for all tests of one module."""
    root = tmp_path_factory.mktemp("waiting") / "home"
    shutil.copytree(proposing / "home", root, symlinks=True)
    return Home(root=root)


@pytest.fixture(scope="session")
def beside() -> Callable[..., Any]:
    """`with beside(home) as (place, call)`: a server in another thread."""
    return served_beside


@pytest.fixture
def serve_home() -> Callable[..., Any]:
    """`async with serve_home(home, metrics_need_token=True) as place`."""
    return serving


@pytest.fixture
def raw() -> Callable[[str, bytes], Any]:
    """Sends bytes as they are and gives all that comes back until the end."""

    async def talk(url: str, data: bytes) -> bytes:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        await writer.drain()
        try:
            return await reader.read()
        finally:
            writer.close()

    return talk
