"""The numbers behind the metrics, read from the journal's readings."""

from __future__ import annotations

import platform
from collections import Counter
from statistics import median

from .. import __version__
from ..core.engine import Board
from ..core.home_lock import probe
from ..core.parts import Parts
from ..core.proposals import OPEN, Proposals
from ..domain.events import Event, EventKind
from ..domain.proposal_record import ProposalRecord
from ..monitoring.metrics import CapabilityFacts, Facts, GateFacts
from .home import Home


async def gather_facts(home: Home, parts: Parts, board: Board) -> Facts:
    """Everything the metrics are made from, as of now."""
    events = await parts.ledger.events_after(0)
    proposals = await Proposals(parts).every()
    goals = board(())
    waiting = [row["updated_at"] for row in goals if row["status"] == "awaiting human"]
    waiting += [each.created_at for each in proposals if each.status in OPEN]
    patterns = parts.knowledge.patterns()
    return Facts(
        version=__version__,
        python=platform.python_version(),
        running=probe(home.lock) is not None,
        goals=Counter(row["status"] for row in goals),
        proposals=Counter(str(each.status) for each in proposals),
        oldest_waiting_since=min(waiting, default=None),
        review_seconds_per_line=_review_speed(proposals),
        events=Counter(str(each.kind) for each in events),
        last_event_at=events[-1].at if events else None,
        capabilities=_capabilities(parts),
        gates=_gates(proposals),
        patterns=Counter((str(each.kind), str(each.state)) for each in patterns),
        steps=int(_spent(events, "steps")),
        model_calls=int(_spent(events, "model_calls")),
        tokens=int(_spent(events, "tokens")),
        usd=_spent(events, "usd"),
        tier=_tier(events),
        database_bytes=home.database.stat().st_size if home.database.exists() else 0,
    )


def _capabilities(parts: Parts) -> dict[str, CapabilityFacts]:
    return {
        name: CapabilityFacts(
            runs=stats["runs"],
            successes=stats["successes"],
            seconds_median=stats["seconds_median"] or 0.0,
        )
        for name, stats in parts.knowledge.capability_stats().items()
    }


def _review_speed(proposals: list[ProposalRecord]) -> float | None:
    """Seconds for each line that was approved; what was never shown says nothing."""
    looked = ((each.looked_seconds, max(each.lines, 1)) for each in proposals)
    speeds = [seconds / lines for seconds, lines in looked if seconds is not None]
    return median(speeds) if speeds else None


def _gates(proposals: list[ProposalRecord]) -> dict[str, GateFacts]:
    verdicts: dict[str, Counter[str]] = {}
    seconds: Counter[str] = Counter()
    for gate in (g for each in proposals if each.evidence for g in each.evidence.gates):
        verdicts.setdefault(gate.name, Counter())[str(gate.verdict)] += 1
        seconds[gate.name] += gate.seconds  # type: ignore[assignment]
    return {
        name: GateFacts(verdicts=counted, seconds=seconds[name])
        for name, counted in verdicts.items()
    }


def _spent(events: list[Event], name: str) -> float:
    results = (each for each in events if each.kind is EventKind.RESULT_RECORDED)
    return float(sum(each.payload["spend"].get(name, 0) for each in results))


def _tier(events: list[Event]) -> str:
    tested = [each for each in events if each.kind is EventKind.SANDBOX_TESTED]
    return str(tested[-1].payload["tier"]) if tested else ""
