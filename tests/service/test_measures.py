"""One snapshot after the other, each reading only what is new."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes import FakeClock

from autoclave.core.board import BoardProjection
from autoclave.core.journal import SqlJournal
from autoclave.core.journal_engine import open_engine, sqlite_url
from autoclave.domain.events import Event, EventKind, NewEvent
from autoclave.domain.sealed import Ended, Tier
from autoclave.domain.standing import Standing
from autoclave.learning.projection import LearningProjection
from autoclave.monitoring.custom import CustomMetrics
from autoclave.monitoring.definitions import METRICS
from autoclave.monitoring.live import Live
from autoclave.monitoring.metrics import Sample
from autoclave.service.home import Home
from autoclave.service.measures import Meter

KEY = b"k" * 32
Open = Callable[[], Meter]


class CountingJournal(SqlJournal):
    """Says how many events were read."""

    seen = 0

    def read_all(self, *, after: int = 0, limit: int = 1000, stream: str = "") -> list[Event]:
        found = super().read_all(after=after, limit=limit, stream=stream)
        type(self).seen += len(found)
        return found


@pytest.fixture
def home(fast_tmp_path: Path) -> Home:
    home = Home(root=fast_tmp_path)
    home.prepare()
    return home


@pytest.fixture
def journal(home: Home) -> Iterator[CountingJournal]:
    CountingJournal.seen = 0
    projections = (BoardProjection(), LearningProjection())
    journal = CountingJournal(sqlite_url(home.database), KEY, projections=projections)
    yield journal
    journal.close()


@pytest.fixture
def opened(home: Home, journal: CountingJournal) -> Iterator[Open]:
    engines = []
    clock = FakeClock()
    live = Live(clock=clock)
    live.sealed(Tier.FULL, Ended.EXITED, 0.2)

    def again() -> Meter:
        engines.append(open_engine(sqlite_url(home.database)))
        return Meter(
            home,
            journal,
            engines[-1],
            standing=Standing,
            live=live,
            custom=CustomMetrics([]),
            clock=clock,
        )

    yield again
    for engine in engines:
        engine.dispose()


def _goals(journal: SqlJournal, number: int) -> None:
    note = NewEvent(kind=EventKind.CHECKPOINT_MADE, payload={})
    journal.post("agent", [note] * number, actor="kernel")


def _value(meter: Meter, name: str, **labels: str) -> float:
    family = meter.snapshot_now().family(f"autoclave_{name}")
    assert family is not None
    samples = [each for each in family.samples if isinstance(each, Sample)]
    return next(each.value for each in samples if each.labels == labels)


def test_each_snapshot_reads_only_what_is_new(opened: Open, journal: CountingJournal) -> None:
    """A scrape costs what has happened since the last one, not what has happened ever."""
    meter = opened()
    _goals(journal, 500)
    meter.snapshot_now()
    before = CountingJournal.seen

    _goals(journal, 3)

    assert _value(meter, "checkpoints_total") == 503
    assert CountingJournal.seen - before == 3


def test_another_process_goes_on_where_the_last_one_was(
    opened: Open, journal: CountingJournal
) -> None:
    """What was counted is kept beside the home, as a cache."""
    _goals(journal, 1_500)
    opened().snapshot_now()
    before = CountingJournal.seen

    assert _value(opened(), "checkpoints_total") == 1_500
    assert CountingJournal.seen - before < 10


def test_a_kept_count_of_another_journal_is_not_believed(
    opened: Open, journal: CountingJournal, home: Home
) -> None:
    """As after going back to a checkpoint."""
    _goals(journal, 1_500)
    opened().snapshot_now()
    kept = home.runtime / "metrics.json"
    text = kept.read_text()

    for broken in (text.replace('"last_id": 1500', '"last_id": 1700'), text[:100], "[]"):
        kept.write_text(broken)
        assert _value(opened(), "checkpoints_total") == 1_500


def test_a_snapshot_has_every_metric_that_has_something_to_say(
    opened: Open, journal: CountingJournal
) -> None:
    """In the order of the table; only what nothing was counted for by an open label is missing."""
    _goals(journal, 1)

    names = [family.metric.name for family in opened().snapshot_now().families]

    table = [metric.name for metric in METRICS]
    assert names == [name for name in table if name in set(names)]
    missing = {each.name for each in METRICS} - set(names)
    assert all(
        not each.zeros or any(label.most for label in each.labels)
        for each in METRICS
        if each.name in missing
    ), missing


def test_what_the_process_sees_itself_is_there_too(opened: Open) -> None:
    """Sealed runs of this process, with the end that each came to."""
    assert _value(opened(), "sandbox_runs_total", tier="FULL", end="exited") == 1
    assert _value(opened(), "process_cpu_seconds_total") > 0


def test_nothing_is_lost_where_the_count_can_not_be_kept(
    opened: Open, journal: CountingJournal, home: Home
) -> None:
    """It is a cache: the scrape goes on without it."""
    _goals(journal, 1_500)
    shutil.rmtree(home.runtime)

    assert _value(opened(), "checkpoints_total") == 1_500
