"""Killed at any moment, frozen at any moment, written by several at once: nothing is lost."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from autoclave.domain.errors import Fenced
from autoclave.domain.events import EventKind, NewEvent

pytestmark = pytest.mark.slow

_APPENDER = """
import os, signal, sys
from pathlib import Path
from autoclave.core.journal import SqlJournal
from autoclave.domain.events import EventKind, NewEvent
url, anchor, name, count, freeze_at = sys.argv[1:]
journal = SqlJournal(url, b"k" * 32, Path(anchor))
_, head = journal.take(f"goal/{name}", [], actor="kernel")
for n in range(int(count)):
    pair = [NewEvent(kind=EventKind.TIMER_SET, payload={"n": n, "half": h}) for h in (1, 2)]
    done = journal.append(f"goal/{name}", pair, head=head, actor="kernel")
    head = type(head)(epoch=head.epoch, seq=done[-1].seq)
    print(done[-1].id, flush=True)
    if n == int(freeze_at):
        os.kill(os.getpid(), signal.SIGSTOP)
"""


def _appender(
    place: Any, name: str, *, count: int = 1_000_000, freeze_at: int = -1
) -> subprocess.Popen[bytes]:
    given = [place.url, str(place.anchor), name, str(count), str(freeze_at)]
    command = [sys.executable, "-c", _APPENDER, *given]
    # Without a buffer: what `select` waits for must not have been read ahead.
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)


@pytest.mark.chaos
@pytest.mark.slow
def test_a_killed_writer_loses_nothing_that_it_was_promised(place: Any) -> None:
    """Twenty kills at random moments: every acknowledged event is there, pairs stay whole."""
    chance = random.Random(7)  # noqa: S311
    acknowledged: set[int] = set()

    for _ in range(20):
        with _appender(place, "G-0001") as child:
            said = _read_for(child, chance.uniform(0.005, 0.08))
            child.kill()
            said += child.stdout.read() if child.stdout else b""
        lines = said[: said.rfind(b"\n") + 1].split()
        acknowledged.update(int(line) for line in lines)

    journal = place.open()
    events = journal.read("goal/G-0001")
    assert acknowledged <= {event.id for event in events}
    assert [event.payload["half"] for event in events] == [1, 2] * (len(events) // 2)
    assert len(acknowledged) > 20
    assert journal.verify().ok


def _read_for(child: subprocess.Popen[bytes], seconds: float) -> bytes:
    """What the child says from its first line on until the time is over."""
    assert child.stdout is not None
    said = child.stdout.readline()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([child.stdout], [], [], left)
        if ready:
            said += os.read(child.stdout.fileno(), 65_536)
    return said


def test_processes_that_post_at_once_share_one_chain(place: Any) -> None:
    """Three writers, ninety pairs, no gap, no failure."""
    children = [_appender(place, f"G-{n}", count=30) for n in range(3)]
    complaints = [child.communicate()[1] for child in children]

    journal = place.open()
    assert complaints == [b"", b"", b""]
    assert [event.id for event in journal.read_all()] == list(range(1, 181))
    assert journal.verify().ok


@pytest.mark.chaos
def test_a_frozen_writer_that_wakes_up_is_fenced(place: Any) -> None:
    """Stopped in the middle of its work, it cannot add to a run that another took over."""
    child = _appender(place, "G-0001", freeze_at=5)
    os.waitpid(child.pid, os.WUNTRACED)
    journal = place.open()
    event = NewEvent(kind=EventKind.RUN_TAKEN)

    journal.take("goal/G-0001", [event], actor="kernel")
    child.send_signal(signal.SIGCONT)
    _, complaint = child.communicate()

    assert b"Fenced" in complaint
    assert journal.read("goal/G-0001")[-1].kind is EventKind.RUN_TAKEN
    assert journal.last_id() == 13
    assert journal.verify().ok


def test_the_reason_for_the_fence_is_said(place: Any) -> None:
    """Who is fenced off learns which epoch it had and which there is."""
    journal = place.open()
    event = NewEvent(kind=EventKind.TIMER_SET)
    _, old = journal.take("goal/G-0001", [event], actor="kernel")
    journal.take("goal/G-0001", [event], actor="kernel")

    with pytest.raises(Fenced, match=r"epoch 2.*had 1"):
        journal.append("goal/G-0001", [event], head=old, actor="kernel")
