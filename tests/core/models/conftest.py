"""Loopback models and adapters that talk to them through the real SDKs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.servers.messages import MessagesServer

from autoclave.core.models.claude import Claude
from autoclave.core.models.prices import price_of


@pytest.fixture
def serve() -> Iterator[Callable[..., MessagesServer]]:
    """Starts a Messages server with these turns, until the test is over."""
    with ExitStack() as stack:
        yield lambda *turns, **more: stack.enter_context(MessagesServer(turns, **more))


@pytest.fixture
async def claude(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Claude]]:
    """Our adapter, sent to a server; waits between tries are noted and not waited for."""
    made: list[Claude] = []

    def make(server: MessagesServer, **more: Any) -> Claude:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "loopback")
        model = more.pop("model", "claude-opus-5-5")
        price = price_of(model)
        assert price is not None
        adapter = Claude(price, model=model, base_url=server.base_url, **more)
        made.append(adapter)
        return adapter

    yield make
    for adapter in made:
        await adapter.aclose()
