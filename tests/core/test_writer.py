"""The writer's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from autoclave.core.writer import Writer
from autoclave.domain.errors import Conflict, Stale
from autoclave.domain.events import Head, NewEvent

Note = Callable[..., NewEvent]


async def test_appends_of_many_tasks_stand_in_a_row(sqlite_place: Any, note: Note) -> None:
    """Tasks write at once; the log has them one after the other."""
    journal = sqlite_place.open()
    writer = Writer(journal)

    posts = [writer.post(f"goal/G-{n}", [note()], actor="kernel") for n in range(20)]
    events = await asyncio.gather(*posts)
    await writer.close()

    assert [event.id for (event,) in events] == list(range(1, 21))


async def test_everything_runs_on_one_thread_that_is_not_the_loops(sqlite_place: Any) -> None:
    """The loop is never blocked by the disk."""
    writer = Writer(sqlite_place.open())

    threads = {await writer.call(threading.get_ident) for _ in range(5)}
    await writer.close()

    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_errors_come_back_to_the_asker(sqlite_place: Any, note: Note) -> None:
    """A refused append is the asker's to handle; the writer goes on."""
    writer = Writer(sqlite_place.open())

    with pytest.raises(Stale):
        await writer.append("agent", [note()], head=Head(epoch=0, seq=5), actor="kernel")
    _, head = await writer.take("agent", [note()], actor="kernel")
    await writer.close()

    assert head == Head(epoch=1, seq=1)


async def test_close_finishes_what_was_asked_for(sqlite_place: Any, note: Note) -> None:
    """Nothing that was accepted is dropped, and nothing more is accepted."""
    journal = sqlite_place.open()
    writer = Writer(journal)
    posts = [asyncio.create_task(writer.post("agent", [note()], actor="kernel")) for _ in range(10)]
    await asyncio.sleep(0)

    await writer.close()

    assert journal.last_id() == 10
    await asyncio.gather(*posts)
    with pytest.raises(Conflict):
        await writer.post("agent", [note()], actor="kernel")
