"""The story of the demo, chapter by chapter, and the table at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from .paint import clip, paint, table, verdict
from .proposals import proposal


def chapter(name: str, facts: JsonObject, *, color: bool) -> str:
    """What to say when a chapter begins or ends; empty for one that needs no words."""
    tell = _CHAPTERS.get(name)
    return tell(facts, color) if tell else ""


def summary(facts: JsonObject, *, color: bool) -> str:
    before, after = facts["before"], facts["after"]
    gates = facts["proposal"]["gates"]
    passed = sum(gate["verdict"] == "pass" for gate in gates)
    rows = [
        ["goals reached", _of(before), _of(after)],
        ["gates passed", "", f"{passed} of {len(gates)}"],
        ["undo, redo", "", f"{_word(facts['undo_ok'])}, {_word(facts['redo_ok'])}"],
        ["journal verified", "", _word(facts["audit_ok"])],
        ["model calls", "", str(facts["model_calls"])],
    ]
    return "\n".join(
        [
            table(["", "before", "after"], rows, empty=""),
            "",
            f"All of it took {facts['seconds']:.0f} s, without a key and without a network.",
            "",
            paint("Now on your own code:", "strong", color=color),
            '  autoclave run "make the failing tests pass" --workspace DIR',
            "  autoclave --help",
        ]
    )


def _home(facts: JsonObject, color: bool) -> str:
    del color
    return (
        "A throw-away home and workspace; nothing of yours is touched.\n"
        f"  {show_line(facts['home'])}\n\n"
        "1. Three goals"
    )


def _goal(facts: JsonObject, color: bool) -> str:
    said = verdict(facts["status"], color=color, width=8)
    failures = facts.get("failures") or []
    why = f"\n           {clip(_failure(failures[-1]), 100)}" if failures else ""
    return f"  {said} {clip(facts['text'], 90)}{why if facts['status'] != 'done' else ''}"


def _failure(failure: JsonObject) -> str:
    where = f" in {failure['where']}" if failure.get("where") else ""
    return f"{failure['error_class']}: {failure['message']}{where}"


def _improving(facts: JsonObject, color: bool) -> str:
    del facts, color
    return "\n2. The same failure on several goals is an opportunity: looking for a fix, sealed"


def _improved(facts: JsonObject, color: bool) -> str:
    del color
    return "\n".join(f"  {show_line(item['title'] or '')}" for item in facts["opportunities"])


def _proposal(facts: JsonObject, color: bool) -> str:
    return f"\n3. A change to its own code, with the evidence\n\n{proposal(facts, color=color)}"


def _applied(facts: JsonObject, color: bool) -> str:
    del color
    commit = show_line(str(facts["commit"])[:12])
    return f"\n4. Applied as commit {commit} of its own history; the failed goals run again"


def _undone(facts: JsonObject, color: bool) -> str:
    del color
    return f"\n5. Undone: the old bytes and the old failure are back ({_word(facts['ok'])})"


def _redone(facts: JsonObject, color: bool) -> str:
    del color
    return f"   Redone: the fix is back and works ({_word(facts['ok'])})"


def _audit(facts: JsonObject, color: bool) -> str:
    del color
    return f"\n6. The journal: {facts['events']} events, each chained to the one before\n"


def _of(score: JsonObject) -> str:
    return f"{score['succeeded']} of {score['goals']}"


def _word(ok: bool) -> str:
    return "ok" if ok else "NOT ok"


_CHAPTERS: Mapping[str, Callable[[JsonObject, bool], str]] = MappingProxyType(
    {
        "home": _home,
        "goal": _goal,
        "goal again": _goal,
        "improving": _improving,
        "improved": _improved,
        "proposal": _proposal,
        "applied": _applied,
        "undone": _undone,
        "redone": _redone,
        "audit": _audit,
    }
)
