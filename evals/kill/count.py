"""What a round came to: lost, repeated, half done, not ended, not verified."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from autoclave.domain.run import Run, RunStatus

from .person import journal_of, runs_of
from .world import LAST, LOG, World, seeded


@dataclass(slots=True, kw_only=True)
class Tally:
    """Sums over rounds."""

    goals: int = 0
    ended: int = 0
    as_expected: int = 0
    """Goals that ended as they had to: done, or failed where a step always fails."""
    steps: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    half: int = 0
    """Workspaces that are neither as before nor as after."""
    leftovers: int = 0
    chains_ok: int = 0
    anchors_ok: int = 0
    anchors_behind: int = 0
    """Killed between the last commit and its anchor: the next append would catch up."""
    rounds: int = 0


def count(folder: Path, tally: Tally, *, without: frozenset[int] = frozenset()) -> None:
    """Add up one round. The lines `without` of the ledger are counted elsewhere."""
    world = World(folder)
    with journal_of(folder) as journal:
        runs = runs_of(journal)
        seen = journal.verify()
    tally.rounds += 1
    tally.chains_ok += seen.ok
    behind = seen.anchor.endswith("events behind")
    tally.anchors_ok += behind or seen.anchor == "agrees"
    tally.anchors_behind += behind
    for run in runs:
        _count_run(run, world, tally, without)


def _count_run(run: Run, world: World, tally: Tally, without: frozenset[int]) -> None:
    steps = run.facts["steps"]
    fails = steps[-1][1] == "fail"
    wanted = RunStatus.FAILED if fails else RunStatus.DONE
    tally.goals += 1
    tally.ended += run.is_ended
    tally.as_expected += run.status is wanted
    traces = [(at, t) for at, t in enumerate(world.traces()) if t.goal == run.id]
    for step, effect in steps:
        found = [(at, t) for at, t in traces if t.step == step]
        own = [t for at, t in found if at not in without]
        if effect in ("write", "fail"):
            continue
        tally.steps += 1
        tally.lost[effect] += not found
        # Repeating with the same key is what idempotent allows.
        times = len({t.key for t in own}) if effect == "idempotent" else len(own)
        tally.repeated[effect] += max(0, times - 1)
    _count_workspace(run, world, tally, fails=fails)


def _count_workspace(run: Run, world: World, tally: Tally, *, fails: bool) -> None:
    files = world.files(run.id)
    steps = [step for step, _ in run.facts["steps"]]
    writes = [] if fails else [step for step, kind in run.facts["steps"] if kind == "write"]
    lines = [line.split()[0] for line in files.get(LOG, b"").decode().splitlines()]
    tally.steps += len(writes)
    tally.leftovers += sum(".autoclave" in name for name in files)
    tally.lost["write"] += sum(step not in lines for step in writes)
    tally.repeated["write"] += len(lines) - len(set(lines))
    expected = set(seeded(steps)) - {f"old/{step}.txt" for step in writes}
    expected |= {f"made/{step}.txt" for step in writes}
    as_it_should = set(files) == expected and set(lines) == set(writes)
    as_it_should &= len(files.get(LAST, b"")) == len(writes)
    tally.half += not as_it_should
