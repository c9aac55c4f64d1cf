"""The gate that runs the recorded failures again, with the change and without it."""

from __future__ import annotations

from pathlib import Path

from ..domain.canonical import JsonObject
from .body import is_test
from .gate import Bench, Finding, failed, not_checked, passed
from .mind_gates import replay_goals


class ReplayGate:
    """What failed has to work with the change, and has to fail without it."""

    name = "replay"

    async def check(self, bench: Bench) -> Finding:
        if all(is_test(path) for path in bench.draft.changes.paths):
            return passed("only tests are added, so no failure can come or go")
        if bench.changed_mind is not None:
            return await replay_goals(bench, bench.changed_mind)
        if not bench.cases:
            return not_checked("no recorded case was given")
        after = await _replay(bench, bench.candidate_root)
        broken = [item for item in after if item["ok"] is not True]
        if broken:
            return failed(
                f"{len(broken)} of {len(after)} recorded failures still fail: "
                f"{broken[0]['summary']}",
                candidate=after,
            )
        before = await _replay(bench, bench.base_root)
        fine = [item for item in before if item["ok"] is True]
        if fine:
            return failed(
                f"cannot tell: {len(fine)} of {len(before)} recorded failures also succeed "
                "without the change",
                candidate=after,
                base=before,
            )
        return passed(
            f"{len(after)} recorded failures succeed now, and fail without the change",
            candidate=after,
            base=before,
        )


async def _replay(bench: Bench, root: Path) -> list[JsonObject]:
    results: list[JsonObject] = []
    for case in bench.cases:
        result = await bench.replay(case, root)
        results.append(
            {
                "case": case.event_id,
                "goal": case.goal_id,
                "ok": result.get("ok") is True,
                "summary": str(result.get("summary", "")),
            }
        )
    return results
