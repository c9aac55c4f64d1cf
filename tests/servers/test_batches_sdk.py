"""Message batches through the real SDK, also over the death of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.servers.messages import MessagesServer
from tests.servers.script import Script
from tests.servers.turns import Expect, Fault, Reply, Turn

pytestmark = pytest.mark.slow

Serve = Callable[..., MessagesServer]
Claude = Callable[..., Awaitable[Any]]


def requests(*names: str) -> list[dict[str, Any]]:
    return [
        {
            "custom_id": name,
            "params": {
                "model": "claude-haiku-5-5",
                "max_tokens": 100,
                "messages": [{"role": "user", "content": f"do {name}"}],
            },
        }
        for name in names
    ]


async def results_of(client: Any, name: str) -> dict[str, Any]:
    return {r.custom_id: r.result async for r in await client.messages.batches.results(name)}


async def test_a_batch_moves_on_with_every_look(serve: Serve, claude: Claude) -> None:
    """In progress, then ended, with a result of each kind."""
    server = serve(
        Turn(expect=Expect(user_contains="do a"), reply=Reply(text="done")),
        Turn(fault=Fault(status=529)),
        Turn(fault=Fault(expired=True)),
    )
    client = await claude(server)

    made = await client.messages.batches.create(requests=requests("a", "b", "c"))
    first = await client.messages.batches.retrieve(made.id)
    second = await client.messages.batches.retrieve(made.id)
    results = await results_of(client, made.id)

    assert (made.processing_status, made.request_counts.processing) == ("in_progress", 3)
    assert (first.processing_status, first.results_url) == ("in_progress", None)
    assert second.processing_status == "ended"
    assert second.request_counts.succeeded == second.request_counts.errored == 1
    assert results["a"].message.content[0].text == "done"
    assert results["a"].message.usage.service_tier == "batch"
    assert results["b"].error.error.type == "overloaded_error"
    assert results["c"].type == "expired"
    server.check()


async def test_a_cancelled_batch_ends_with_nothing_done(serve: Serve, claude: Claude) -> None:
    """Canceling first, ended at the next look, and no turn used."""
    server = serve(Turn())
    client = await claude(server)
    made = await client.messages.batches.create(requests=requests("a"))

    asked = await client.messages.batches.cancel(made.id)
    ended = await client.messages.batches.retrieve(made.id)
    results = await results_of(client, made.id)
    gone = await client.messages.batches.delete(made.id)

    assert (asked.processing_status, ended.processing_status) == ("canceling", "ended")
    assert ended.request_counts.canceled == 1
    assert results["a"].type == "canceled"
    assert gone.id == made.id
    assert server.script.left() == ["turn 1"]


async def test_a_batch_outlives_its_server(tmp_path: Path, claude: Claude) -> None:
    """Another process with the same state file knows it, and the place in the script."""
    turns = [Turn(name="one"), Turn(name="two", reply=Reply(text="from the second"))]
    with MessagesServer(turns, state=tmp_path / "state.json") as server:
        client = await claude(server)
        await client.messages.create(**requests("x")[0]["params"])
        made = await client.messages.batches.create(requests=requests("a"))

    options = {"batches": {"polls": 1}}
    with MessagesServer(Script(turns, options), state=tmp_path / "state.json") as server:
        client = await claude(server)
        listed = [batch.id async for batch in client.messages.batches.list(limit=1)]
        ended = await client.messages.batches.retrieve(made.id)
        results = await results_of(client, made.id)

    assert listed == [made.id]
    assert ended.processing_status == "ended"
    assert results["a"].message.content[0].text == "from the second"
