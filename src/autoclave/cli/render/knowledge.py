"""Capabilities, patterns and answers as text."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...domain.canonical import JsonObject
from ...domain.text import show, show_line
from .paint import clip, fields, moment, seconds, table, verdict


def capability_list(capabilities: Sequence[JsonObject]) -> str:
    rows = [
        [
            c["name"],
            c["version"],
            c["effect"],
            _success(c.get("stats") or {}),
            clip(c["purpose"], 70),
        ]
        for c in capabilities
    ]
    headers = ["name", "version", "effect", "worked", "purpose"]
    return table(headers, rows, empty="No capabilities: the folder capabilities/ is empty.")


def capability(given: JsonObject) -> str:
    stats = given.get("stats") or {}
    return fields(
        {
            "name": given["name"],
            "version": given["version"],
            "purpose": given["purpose"],
            "effect": given["effect"],
            "needs": _json(given.get("needs")),
            "inputs": _json(given.get("inputs")),
            "outputs": _json(given.get("outputs")),
            "worked": _success(stats),
            "median": seconds(stats["seconds_median"]) if stats.get("seconds_median") else "",
            "folder": given.get("folder"),
        }
    )


def capability_test(report: JsonObject, *, color: bool) -> str:
    """One line per example and per test."""
    lines = []
    for number, example in enumerate(report.get("examples") or (), start=1):
        said = verdict("ok" if example.get("ok") else "fail", color=color, width=6)
        detail = clip(example.get("detail") or example.get("summary") or "", 100)
        lines.append(f"{said} example {number}  {detail}".rstrip())
    tests = report.get("tests") or {}
    if tests:
        said = verdict("ok" if tests.get("ok", report["ok"]) else "fail", color=color, width=6)
        lines.append(f"{said} tests: {tests.get('count', 0)} ran")
        lines += [f"       {clip(failed, 160)}" for failed in tests.get("failed") or ()]
    lines.append("It works as it says." if report["ok"] else "It does not work as it says.")
    return "\n".join(lines)


def pattern_list(patterns: Sequence[JsonObject]) -> str:
    rows = [
        [
            p["id"],
            p["kind"],
            p["state"],
            p["uses"],
            f"{p['lower_bound']:.2f}",
            clip(p["description"], 70),
        ]
        for p in patterns
    ]
    headers = ["id", "kind", "state", "uses", "at least", "what"]
    return table(headers, rows, empty="Nothing learned yet: run some goals first.")


def pattern(given: JsonObject) -> str:
    return fields(
        {
            "pattern": given["id"],
            "kind": given["kind"],
            "state": given["state"],
            "what": given["description"],
            "when": _json(given.get("conditions")),
            "then": _json(given.get("actions")),
            "uses": given["uses"],
            "succeeds": f"{given['success_rate']:.2f}, at least {given['lower_bound']:.2f}",
            "seen on": ", ".join(given.get("goals") or ()),
            "changed": moment(given["updated_at"]),
            **_lesson(given.get("lesson")),
        }
    )


def consolidated(found: JsonObject) -> str:
    """What became of the batches, and which lessons were written."""
    lines = [
        f"{show_line(each['pattern_id'])}: {show_line(each['lesson'])}" for each in found["lessons"]
    ]
    lines += [_batch(each) for each in found["batches"]]
    if found["note"]:
        lines.append(show_line(found["note"]))
    return "\n".join(lines)


def _batch(given: JsonObject) -> str:
    said = f"{given['id']} is {given['state']}: {given['questions']} questions to {given['model']}"
    if given["state"] in ("in doubt", "under way"):
        said += f", at most ${given['most_usd']:.4f}; looked at again at {moment(given['wake_at'])}"
    else:
        said += f", {given['answered']} answered, ${given['spend_usd']:.4f}"
    return show_line(f"{said}; {given['reason']}" if given["reason"] else said)


def _lesson(lesson: JsonObject | None) -> dict[str, str]:
    """Whose words they are is always said."""
    if not lesson:
        return {}
    by = f"written by {lesson['model']} after {lesson['uses']} uses, not trusted"
    return {"lesson": str(show_line(lesson["text"])), "lesson by": by}


def answer(found: JsonObject) -> str:
    """What research found: the answer, and passages with where they are from."""
    lines = [str(show(found["answer"]))] if found.get("answer") else []
    for passage in found.get("passages") or ():
        lines += [
            "",
            str(show(passage["text"], most_lines=12)),
            f"  from {show_line(passage['source'])}",
        ]
    if not lines:
        return "Nothing is known about that here."
    return "\n".join(lines)


def _success(stats: JsonObject) -> str:
    runs = stats.get("runs", 0)
    return f"{stats.get('successes', 0)} of {runs}" if runs else "not used yet"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
