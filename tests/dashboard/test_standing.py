"""One word for how the agent stands, and one line for everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autoclave.dashboard.glyphs import ASCII, UNICODE
from autoclave.dashboard.ink import plain, width
from autoclave.dashboard.link import Link
from autoclave.dashboard.standing import bar, standing
from autoclave.domain.errors import JournalBroken, Unreachable

NOW = 1_790_000_000.0
Report = Callable[..., Any]
PAUSE = {"code": "asked", "reason": "lunch", "by": "person:maria", "since": NOW - 60, "next": ""}


def link_of(report: Any) -> Link:
    return Link().read(report, now=NOW)


@pytest.mark.parametrize(
    ("more", "word", "said"),
    [
        ({}, "RUNNING", ""),
        ({"open_goals": []}, "IDLE", ""),
        ({"pause": PAUSE}, "PAUSED", "Paused by maria 1 m ago: lunch"),
        ({"pause": PAUSE | {"code": "escalated"}}, "ESCALATED", "A person has to look: lunch"),
        ({"running": None}, "NOT RUNNING", "it ended without a word"),
        ({"shortage": {"level": "hard", "reason": "memory"}}, "SHORT", "short of memory"),
        ({"spend_today": {"usd": 5.0}}, "OVER BUDGET", "limit of 5 usd is used up"),
    ],
)
def test_each_state_has_its_word_and_its_sentence(
    report: Report, more: Any, word: str, said: str
) -> None:
    """The sentence says what it means and what to do."""
    found = standing(link_of(report(**more)), UNICODE, now=NOW)

    assert found.word == word
    assert said in found.sentence


def test_an_agent_that_was_stopped_did_not_end_without_a_word(report: Report) -> None:
    """When and how it ended is told apart from a kill."""
    process = {"kind": "AgentStopped", "at": NOW - 10, "what": ""}

    found = standing(link_of(report(running=None, process=process)), UNICODE, now=NOW)

    assert "it was stopped" in found.sentence


def test_a_lost_link_says_for_how_long_and_nothing_may_be_decided(report: Report) -> None:
    """What was read last stays, with its age."""
    link = link_of(report()).failed(Unreachable("no answer"), now=NOW + 1)
    link = link.failed(Unreachable("no answer"), now=NOW + 12)

    found = standing(link, UNICODE, now=NOW + 13)

    assert found.word == "NO LINK 12 s"
    assert not link.is_live(NOW + 13)
    assert link.report is not None


def test_what_does_not_mend_itself_is_read_only_with_the_way_to_mend_it(report: Report) -> None:
    """A broken journal names its command."""
    error = JournalBroken("it does not verify", hint="autoclave doctor")

    found = standing(link_of(report()).failed(error, now=NOW), UNICODE, now=NOW)

    assert (found.word, found.sentence) == (
        "READ ONLY 0 s",
        "it does not verify. Next: autoclave doctor",
    )


def test_a_database_that_vanishes_is_lost_and_not_empty(report: Report) -> None:
    """An empty overview after a full one is a failure."""
    link = link_of(report()).read(report(has_database=False), now=NOW + 1)

    assert "is gone" in link.failure
    assert link.report == report()


def test_old_data_is_not_live(report: Report) -> None:
    """More than five seconds is stale, and the bar says so."""
    link = link_of(report())

    assert not link.is_live(NOW + 6)
    assert "data 6 s old" in plain([bar(link, UNICODE, now=NOW + 6, cells=120)])


def test_looks_that_fail_come_further_apart(report: Report) -> None:
    """Up to a quarter of a minute."""
    link, waits = link_of(report()), []
    for _ in range(7):
        link = link.failed(Unreachable("x"), now=NOW)
        waits.append(link.wait_seconds)

    assert waits == [1, 2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize("cells", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_the_bar_fits_and_keeps_what_waits_to_the_last(
    report: Report, cells: int, glyphs: Any
) -> None:
    """What is least important gives way first."""
    drawn = bar(link_of(report()), glyphs, now=NOW, cells=cells)

    assert width(drawn) <= cells
    assert "RUNNING" in plain([drawn])
    assert cells < 40 or "2 waiting (1 high)" in plain([drawn])
    assert glyphs is UNICODE or plain([drawn]).isascii()
