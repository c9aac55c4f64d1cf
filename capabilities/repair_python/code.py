"""Repair a Python project: search for the edit that makes its failing tests pass."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from .budget import Budget
from .choose import Ballot, difference, in_order
from .edit import NotAnEdit, diff_of, edit_for
from .found import Findings, Patch
from .pool import Project
from .project import copy_project, editable
from .search import Search
from .session import Session
from .source import Source, Sources


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run the search in a copy; write the fix into the workspace when there is one."""
    return repair(context, inputs)


async def verify(context: Any, inputs: dict[str, Any], key: str) -> dict[str, Any] | None:
    """None: a repair only changes a copy, so one that was cut short has done nothing."""
    del context, inputs, key
    return None


def repair(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    workspace = Path(context.workspace)
    folder = tempfile.mkdtemp(prefix="repair-", dir=context.scratch)
    root = copy_project(workspace, Path(folder).resolve() / "project")
    files = editable(root, inputs.get("files") or (), inputs.get("protect") or ())
    if not files:
        reason = "no Python file may be edited here: all are tests or protected"
        return _report(Findings(why_not=reason), 0.0)
    sources = Sources(root, files)
    project = Project(
        root=root,
        files=tuple(files),
        paths=tuple(inputs.get("paths") or ()),
        site_packages=tuple(getattr(context, "site_packages", ())),
    )
    session = Session(project)
    try:
        return _repair(session, sources, inputs, workspace, context.seconds)
    finally:
        session.close()


def _repair(
    session: Session,
    sources: Sources,
    inputs: dict[str, Any],
    workspace: Path,
    seconds: float,
) -> dict[str, Any]:
    if not session.ok:
        reason = "pytest could not start on this project; look at its configuration"
        return _report(Findings(why_not=reason), 0.0)
    wanted = float(inputs.get("budget_seconds", 30))
    budget = Budget(
        wanted,
        wall_seconds=min(seconds * 0.8, wanted * 3 + 10),
        workers=lambda: session.cpu_seconds,
    )
    search = Search(
        session,
        sources,
        budget,
        priors=inputs.get("priors") or {},
        seed=int(inputs.get("seed", 0)),
        shuffled=inputs.get("order") == "shuffled",
        most_alternatives=int(inputs.get("most_alternatives", 12)),
    )
    findings = search.run([_id(test) for test in inputs.get("failing") or []])
    ballot = Ballot(*search.vote())
    ordered = in_order(findings.patches, ballot)
    chosen = next((p for p in ordered[:5] if _proved(session, p, findings, budget)), None)
    if chosen is not None and inputs.get("keep", True):
        for path, data in chosen.texts.items():
            (workspace / path).write_bytes(data)
    report = _report(findings, budget.used, chosen=chosen, others=ordered, sources=sources)
    if chosen is not None:
        _add_differences(report, chosen, ordered, findings, ballot)
    return report


def _add_differences(
    report: dict[str, Any],
    chosen: Patch,
    ordered: list[Patch],
    findings: Findings,
    ballot: Ballot,
) -> None:
    """Where each alternative first answers otherwise than the chosen patch."""
    number = {id(patch): n for n, patch in enumerate(findings.patches)}
    rest = [patch for patch in ordered if patch is not chosen]
    for entry, patch in zip(report["alternatives"], rest, strict=True):
        found = difference(number[id(chosen)], number[id(patch)], ballot)
        if found is not None:
            entry["differs"] = found


def _id(test: str | dict[str, Any]) -> str:
    """A test as its id, or as `run_tests` describes it."""
    return test if isinstance(test, str) else str(test["id"])


def _proved(session: Session, patch: Patch, findings: Findings, budget: Budget) -> bool:
    """The whole suite in a process that has never seen another candidate."""
    before = {path: (session.root / path).read_bytes() for path in patch.texts}
    for path, data in patch.texts.items():
        (session.root / path).write_bytes(data)
    judge = Session(replace(session.project, files=()))
    try:
        seconds = max(10.0, budget.wall_left)
        judge.each = 10.0
        reply = judge.run(judge.collected, seconds=seconds)
    finally:
        judge.close()
        for path, data in before.items():
            (session.root / path).write_bytes(data)
    outcomes = {t["id"]: t["outcome"] for t in reply["tests"]}
    expected = set(session.collected)
    whole = not judge.broken and expected <= set(judge.collected) and not reply["unfinished"]
    allowed = set(findings.others_failing)
    return whole and all(o != "failed" or i in allowed for i, o in outcomes.items())


def _report(
    findings: Findings,
    seconds: float,
    *,
    chosen: Patch | None = None,
    others: list[Patch] | None = None,
    sources: dict[str, Source] | None = None,
) -> dict[str, Any]:
    sources = sources or {}
    report: dict[str, Any] = {
        "fixed": chosen is not None,
        "edits": [],
        "diff": "",
        "operator": [],
        "candidates": findings.candidates,
        "generated": findings.generated,
        "candidates_per_second": round(findings.candidates / max(findings.seconds, 0.001), 1),
        "suspicious": [
            {"file": p.file, "line": p.line, "score": p.score} for p in findings.places[:10]
        ],
        "failing": findings.failing,
        "alternatives": [],
        "tried": {key: list(pair) for key, pair in sorted(findings.tried.items())},
        "seconds": round(seconds, 3),
    }
    if chosen is None:
        report["why_not"] = findings.why_not or _why_not(findings)
        report["summary"] = f"Not repaired: {report['why_not']}."
        return report
    report["edits"] = _edits(chosen, sources)
    report["diff"] = _diff(chosen, sources)
    report["operator"] = list(chosen.operators)
    rest = [p for p in others or [] if p is not chosen]
    report["alternatives"] = [
        {"diff": _diff(p, sources), "operator": list(p.operators)} for p in rest
    ]
    report["place"] = chosen.place
    report["found_after_seconds"] = round(min(p.found_after for p in findings.patches), 3)
    report["summary"] = _summary(chosen, findings, len(rest))
    return report


def _edits(patch: Patch, sources: dict[str, Source]) -> list[dict[str, Any]]:
    try:
        return [edit_for(path, sources[path].data, data) for path, data in patch.texts.items()]
    except NotAnEdit:
        return []


def _diff(patch: Patch, sources: dict[str, Source]) -> str:
    return "".join(
        diff_of(path, sources[path].data, data) for path, data in sorted(patch.texts.items())
    )


def _summary(patch: Patch, findings: Findings, others: int) -> str:
    where = ", ".join(sorted(patch.texts))
    how = " and ".join(o.split(":")[0].replace("_", " ") for o in patch.operators)
    failing = _count(len(findings.failing), "failing test")
    text = f"{failing} repaired in {where} by one change ({how})"
    if not others:
        return f"{text}."
    verb = "passes" if others == 1 else "pass"
    return f"{text}; {_count(others, 'other patch')} {verb} the suite too."


def _count(number: int, what: str) -> str:
    if number == 1:
        return f"1 {what}"
    return f"{number} {what}{'es' if what.endswith('ch') else 's'}"


def _why_not(findings: Findings) -> str:
    if findings.patches:
        return "patches were found, but none passed the whole suite in a fresh process"
    tried = f"{findings.candidates} candidates at {len(findings.places)} lines were tried"
    used = "the budget was used up" if findings.listed < findings.generated else "none is left"
    return (
        f"{tried} and none passed all failing tests ({used}); a larger budget, a test that fails "
        "for one reason only, or a person or model who knows the intent would help"
    )
