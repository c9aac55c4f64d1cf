"""Servers and the real SDKs that talk to them; the SDKs are imported only where they are used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import pytest
from tests.servers.chat import ChatServer
from tests.servers.messages import MessagesServer


@pytest.fixture
def serve() -> Iterator[Callable[..., MessagesServer]]:
    """Starts a Messages server with these turns, until the test is over."""
    with ExitStack() as stack:
        yield lambda *turns, **more: stack.enter_context(MessagesServer(turns, **more))


@pytest.fixture
def serve_chat() -> Iterator[Callable[..., ChatServer]]:
    """Starts a chat-completions server with these turns, until the test is over."""
    with ExitStack() as stack:
        yield lambda *turns, **more: stack.enter_context(ChatServer(turns, **more))


@pytest.fixture
async def claude() -> AsyncIterator[Callable[..., Any]]:
    """The real client, without its retries, sent to a server."""
    import anthropic

    async with AsyncExitStack() as stack:

        async def client(server: MessagesServer, **more: Any) -> Any:
            given = {"api_key": "sk-test", "max_retries": 0, **more}
            made = anthropic.AsyncAnthropic(base_url=server.base_url, **given)
            return await stack.enter_async_context(made)

        yield client


@pytest.fixture
async def openai_client() -> AsyncIterator[Callable[..., Any]]:
    """The real client, without its retries, sent to a server."""
    import openai

    async with AsyncExitStack() as stack:

        async def client(server: ChatServer, **more: Any) -> Any:
            given = {"api_key": "sk-test", "max_retries": 0, **more}
            return await stack.enter_async_context(
                openai.AsyncOpenAI(base_url=server.base_url, **given)
            )

        yield client
