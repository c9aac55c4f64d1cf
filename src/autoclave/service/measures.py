"""Gathers the metrics: counted from the journal bit by bit, and read where things stand now."""

from __future__ import annotations

import asyncio
import platform
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Engine

from .. import __version__
from ..core.home_lock import probe
from ..core.waiting import WaitingItem, find_counts, find_waiting
from ..domain.ports import Clock, Journal
from ..domain.proposal import ProposalStatus
from ..domain.run import RunStatus
from ..domain.standing import Standing
from ..learning.sizes import KnowledgeSizes, knowledge_sizes
from ..monitoring.counted import Counted
from ..monitoring.custom import CustomMetrics
from ..monitoring.definitions import METRICS
from ..monitoring.live import Live
from ..monitoring.metrics import Family, Snapshot
from ..monitoring.process import process_facts
from ..monitoring.tally import count
from ..monitoring.tally_state import Tally
from .home import Home
from .kept_tally import KeptTally

_PAGE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    """What the tables say at the moment."""

    goals: dict[str, int]
    proposals: dict[str, int]
    waiting: list[WaitingItem]
    known: KnowledgeSizes


class Meter:
    """Takes one snapshot after the other; each reads only the events since the one before."""

    def __init__(
        self,
        home: Home,
        journal: Journal,
        engine: Engine,
        *,
        standing: Callable[[], Standing],
        live: Live,
        custom: CustomMetrics,
        clock: Clock = time.time,
    ) -> None:
        self._home = home
        self._journal = journal
        self._engine = engine
        self._standing = standing
        self._live = live
        self._custom = custom
        self._clock = clock
        self._kept = KeptTally(home.runtime / "metrics.json", journal)
        self._tally: Tally | None = None
        self._lock = threading.Lock()

    async def snapshot(self) -> Snapshot:
        """Everything as of now. The first one of a process may have many events to read."""
        return await asyncio.to_thread(self.snapshot_now)

    def snapshot_now(self) -> Snapshot:
        """The same, from a thread that may block."""
        began, at = time.perf_counter(), self._clock()
        with self._lock:
            tally = self._caught_up()
            counted = {each.metric.name: each for each in tally.counted.families()}
            gauges = self._gauges(tally, at)
        custom, broken = self._custom.collect()
        gauges.set("custom_metrics_broken", broken)
        gauges.set("collection_seconds", time.perf_counter() - began)
        counted |= {each.metric.name: each for each in self._live.families()}
        counted |= {each.metric.name: each for each in _with_own(gauges)}
        table = [counted[metric.name] for metric in METRICS if metric.name in counted]
        return Snapshot(at=at, families=(*_not_empty(table), *custom))

    def spent_today(self) -> float:
        """US dollars since midnight, UTC; from a thread that may block."""
        with self._lock:
            return self._caught_up().spent_today(self._clock())

    def _caught_up(self) -> Tally:
        tally = self._tally or self._kept.load()
        while events := self._journal.read_all(after=tally.last_id, limit=_PAGE):
            for event in events:
                count(tally, event)
            if len(events) < _PAGE:
                break
        self._tally = tally
        self._kept.keep(tally)
        return tally

    def _gauges(self, tally: Tally, at: float) -> Counted:
        gauges = Counted()
        with self._engine.connect() as connection:
            goals, proposals = find_counts(connection)
            now = _Now(
                goals=dict(goals),
                proposals=dict(proposals),
                waiting=find_waiting(connection),
                known=knowledge_sizes(connection),
            )
        self._of_agent(gauges, tally)
        _of_work(gauges, now, at)
        _of_money(gauges, tally, at)
        self._of_machine(gauges, tally)
        return gauges

    def _of_agent(self, gauges: Counted, tally: Tally) -> None:
        python = platform.python_version()
        gauges.set("build_info", 1, version=__version__, python=python, mind=tally.mind)
        gauges.set("running", probe(self._home.lock) is not None)
        standing = self._standing()
        if standing.code is not None:
            gauges.set("paused", 1, code=standing.code)
        else:
            _zero(gauges, "paused", code="asked")
        if standing.level != "ok":
            gauges.set("machine_shortage", 1, level=standing.level)
        else:
            _zero(gauges, "machine_shortage", level="soft")
        gauges.set("heartbeat_timestamp_seconds", self._live.went_round_at)
        gauges.set("last_event_timestamp_seconds", tally.last_at)
        gauges.set("last_progress_timestamp_seconds", tally.progress_at)
        gauges.set("journal_last_id", tally.last_id)

    def _of_machine(self, gauges: Counted, tally: Tally) -> None:
        if tally.tier:
            gauges.set("sandbox_tier", 1, tier=tally.tier)
        else:
            _zero(gauges, "sandbox_tier", tier="FULL")
        gauges.set("database_size_bytes", _database_bytes(self._home))
        facts = process_facts(self._home.root)
        gauges.set("disk_free_bytes", facts.disk_free_bytes)
        gauges.set("memory_available_bytes", facts.memory_available_bytes)
        gauges.set("process_resident_memory_bytes", facts.resident_bytes)
        gauges.set("process_cpu_seconds_total", facts.cpu_seconds)
        gauges.set("process_open_files", facts.open_files)
        gauges.set("process_start_timestamp_seconds", facts.started_at)


def _of_work(gauges: Counted, now: _Now, at: float) -> None:
    for status in RunStatus:
        gauges.set("goals", now.goals.get(status, 0), status=status)
    for proposal in ProposalStatus:
        gauges.set("proposals", now.proposals.get(proposal, 0), status=proposal)
    _zero(gauges, "waiting", kind="question")
    for item in now.waiting:
        gauges.add("waiting", kind=item.kind)
    oldest = min((item.since for item in now.waiting), default=at)
    gauges.set("oldest_waiting_seconds", max(0.0, at - oldest))
    for kind, number in now.known.rows.items():
        gauges.set("knowledge", number, kind=kind)
    _zero(gauges, "patterns", kind="success", state="active")
    for (kind, state), number in now.known.patterns.items():
        gauges.set("patterns", number, kind=kind, state=state)


def _of_money(gauges: Counted, tally: Tally, at: float) -> None:
    gauges.set("budget_limit_dollars", tally.limit_usd)
    gauges.set("budget_used_dollars", tally.spent_today(at))
    for model, ratio in _hit_ratios(tally.counted).items():
        gauges.set("model_cache_hit_ratio", ratio, model=model)


def _hit_ratios(counted: Counted) -> dict[str, float]:
    """By model: what was read from the cache, as a part of everything that was read."""
    read: dict[str, float] = {}
    cached: dict[str, float] = {}
    for (model, kind), tokens in counted.items("model_tokens_total").items():
        if kind in ("input", "cache_read", "cache_write"):
            read[model] = read.get(model, 0) + tokens
        if kind == "cache_read":
            cached[model] = tokens
    return {model: cached.get(model, 0) / total for model, total in read.items() if total}


def _with_own(gauges: Counted) -> Iterator[Family]:
    """What was set here, and nothing that is counted elsewhere."""
    return (each for each in gauges.families() if _is_set_here(each))


def _is_set_here(family: Family) -> bool:
    metric = family.metric
    return metric.source == "now" or metric.name == "autoclave_process_cpu_seconds_total"


def _not_empty(families: list[Family]) -> Iterator[Family]:
    return (each for each in families if each.samples)


def _zero(gauges: Counted, name: str, **labels: str) -> None:
    """Have every value of its closed labels there."""
    gauges.add(name, 0, **labels)


def _database_bytes(home: Home) -> int:
    names = (home.database, home.database.with_name(home.database.name + "-wal"))
    return sum(each.stat().st_size for each in names if each.exists())
