"""The doctor's findings, limits, spend and incidents."""

from __future__ import annotations

from ...domain.canonical import JsonObject
from ..glyphs import Glyphs
from ..ink import Line, Tone, line, paragraph
from ..words import age, amount, moment

_NAMES = {
    "usd": "USD",
    "tokens": "tokens",
    "model_calls": "model calls",
    "steps": "steps",
    "seconds": "seconds of work",
}
_ORDER = {"fail": 0, "warn": 1, "not checked": 2, "ok": 3}


def check_row(check: JsonObject, glyphs: Glyphs) -> tuple[Line, Line]:
    mark, tone = _sign(check["verdict"], glyphs)
    left = line((f"{mark} {check['verdict']:<11} ", tone), f"{check['name']}: ", check["detail"])
    return left, line()


def check_lines(check: JsonObject, glyphs: Glyphs) -> list[Line]:
    mark, tone = _sign(check["verdict"], glyphs)
    lines = [line((f"{mark} {check['verdict']} ", tone), (check["name"], "strong")), line("")]
    lines += paragraph(check["detail"])
    if check["fix"] and check["verdict"] != "ok":
        lines += [line(""), line(("Fix: ", "warn"), check["fix"])]
    return lines


def worst_first(checks: list[JsonObject]) -> list[JsonObject]:
    return sorted(checks, key=lambda check: _ORDER.get(check["verdict"], 2))


def limit_lines(report: JsonObject) -> list[Line]:
    """What was used today of what may be."""
    spent, limits = report["spend_today"], report["limits_per_day"]
    lines = []
    for name, unit in _NAMES.items():
        used, most = spent.get(name, 0), limits.get(name)
        of = f" of {amount(most)}" if most is not None else ""
        tone: Tone = "warn" if most is not None and used >= most else ""
        lines.append(line((f"{amount(used)}{of} ", tone), (f"{unit} today", "dim")))
    if report["shortage"]["level"] != "ok":
        shortage = report["shortage"]
        lines.append(line((f"machine: {shortage['level']} limit, {shortage['reason']}", "warn")))
    return lines


def incident_lines(incidents: list[JsonObject], *, now: float) -> list[Line]:
    """The newest first."""
    if not incidents:
        return [line(("No incidents.", "dim"))]
    return [
        line((f"{moment(each['at'])} ({age(now - each['at'])} ago) ", "dim"), each["summary"])
        for each in reversed(incidents)
    ]


def _sign(verdict: str, glyphs: Glyphs) -> tuple[str, Tone]:
    signs: dict[str, tuple[str, Tone]] = {
        "ok": (glyphs.ok, "good"),
        "warn": (glyphs.alarm, "warn"),
        "fail": (glyphs.bad, "bad"),
    }
    return signs.get(verdict, (glyphs.unchecked, "dim"))
