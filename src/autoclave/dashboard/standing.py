"""How the agent stands, in one word, one sentence and one line."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.canonical import JsonObject
from .glyphs import Glyphs
from .ink import Line, Tone, line, width
from .link import Link
from .words import age, amount, dollars, moment

HIGH = frozenset({"R4", "R5"})
_GAP = "   "
_LIMITED = ("usd", "tokens", "model_calls", "steps", "seconds")
_STATES = {"MODIFYING": "improving"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The word for the bar, and what it means."""

    word: str
    glyph: str
    tone: Tone
    detail: str = ""
    """A few words beside it."""
    sentence: str = ""
    """What it means and what to do, where that is not plain."""


def standing(link: Link, glyphs: Glyphs, *, now: float) -> Standing:
    """The most important thing that is true of the agent."""
    report = link.report
    if link.failure:
        return _no_link(link, glyphs, now)
    if report is None:
        return Standing(word="STARTING", glyph=glyphs.idle, tone="dim")
    if report["pause"]:
        return _paused(report["pause"], glyphs, now)
    if report["running"] is None:
        return _not_running(report, glyphs, now)
    if report["shortage"]["level"] == "hard":
        why = report["shortage"]["reason"]
        return _stopped(
            "SHORT", why, f"The machine is short of {why}: what ran is set aside.", glyphs
        )
    if spent := spent_limit(report):
        said = f"The day's limit of {spent} is used up; it goes on at midnight UTC."
        return _stopped("OVER BUDGET", spent, said, glyphs)
    return _working(report, glyphs, now)


def bar(link: Link, glyphs: Glyphs, *, now: float, cells: int) -> Line:
    """The one line at the top; what does not fit is left out, the least important first."""
    stands = standing(link, glyphs, now=now)
    head = line((f" {glyphs.plain(stands.glyph)} {stands.word}", stands.tone))
    parts = [head]
    if stands.detail:
        parts.append(line(glyphs.plain(stands.detail)))
    if link.report is not None:
        parts += _counters(link.report, stands)
        parts.append(_link_part(link, now))
    while len(parts) > 1 and sum(width(each) for each in parts) + 3 * len(parts) > cells:
        parts.pop(_least(parts))
    joined: Line = ()
    for number, part in enumerate(parts):
        joined += part if number == 0 else (*line(_GAP), *part)
    return joined


def spent_limit(report: JsonObject) -> str:
    """Which of the day's limits is used up, in words; empty for none."""
    limits, spent = report["limits_per_day"], report["spend_today"]
    for name in _LIMITED:
        most = limits.get(name)
        if most is not None and spent.get(name, 0) >= most:
            return f"{amount(most)} {name.replace('_', ' ')}"
    return ""


def waiting_text(needs: list[JsonObject]) -> str:
    """How many things wait for a person, and how many of them are high."""
    high = sum(item.get("risk") in HIGH for item in needs)
    return f"{len(needs)} waiting" + (f" ({high} high)" if high else "")


def _least(parts: list[Line]) -> int:
    """The detail gives way first of all but the counts of what waits."""
    return len(parts) - 1 if len(parts) > 3 else 1 if len(parts) == 3 else len(parts) - 1


def _counters(report: JsonObject, stands: Standing) -> list[Line]:
    needs = report["needs"]
    waits = line((waiting_text(needs), "warn" if needs else "dim"))
    limit = report["limits_per_day"].get("usd")
    of = f" of {dollars(limit)}" if limit is not None else " today"
    money = line((f"{dollars(report['spend_today_usd'])}{of}", ""))
    return [waits, money, line(("safety on", "dim"))]


def _link_part(link: Link, now: float) -> Line:
    if link.is_live(now):
        return line(("link ok", "dim"))
    return line((f"data {age(link.age(now))} old", "warn"))


def _no_link(link: Link, glyphs: Glyphs, now: float) -> Standing:
    word = "READ ONLY" if link.is_broken else "NO LINK"
    how = f" Next: {link.hint}" if link.hint else ""
    return Standing(
        word=f"{word} {age(now - link.failed_since)}",
        glyph=glyphs.alarm,
        tone="bad",
        sentence=f"{link.failure}.{how}",
    )


def _paused(pause: JsonObject, glyphs: Glyphs, now: float) -> Standing:
    by, since = pause["by"].removeprefix("person:"), age(now - pause["since"])
    why = f": {pause['reason']}" if pause["reason"] else ""
    if pause["code"] == "escalated":
        said = f"A person has to look{why}. Then press p and say why it goes on."
        return Standing(
            word="ESCALATED", glyph=glyphs.alarm, tone="bad", detail=since, sentence=said
        )
    said = f"Paused by {by} {since} ago{why}. Press p to let it go on."
    return Standing(word="PAUSED", glyph=glyphs.paused, tone="warn", detail=since, sentence=said)


def _not_running(report: JsonObject, glyphs: Glyphs, now: float) -> Standing:
    process, last = report["process"], report["last_event"]
    if process is None:
        said = "No agent has run on this home yet. Start one: autoclave serve"
        return Standing(word="NOT RUNNING", glyph=glyphs.stopped, tone="warn", sentence=said)
    is_cut_off = process["kind"] == "AgentStarted"
    since = last["at"] if is_cut_off and last else process["at"]
    how = "it ended without a word" if is_cut_off else "it was stopped"
    said = f"Agent not running since {moment(since)}: {how}. Start it: autoclave serve"
    return Standing(
        word="NOT RUNNING",
        glyph=glyphs.stopped,
        tone="warn",
        detail=f"since {moment(since)}",
        sentence=said,
    )


def _stopped(word: str, detail: str, sentence: str, glyphs: Glyphs) -> Standing:
    return Standing(word=word, glyph=glyphs.paused, tone="warn", detail=detail, sentence=sentence)


def _working(report: JsonObject, glyphs: Glyphs, now: float) -> Standing:
    running = [goal for goal in report["open_goals"] if goal["status"] == "running"]
    if not running:
        queued = sum(goal["status"] == "queued" for goal in report["open_goals"])
        detail = f"{queued} queued" if queued else ""
        return Standing(word="IDLE", glyph=glyphs.idle, tone="", detail=detail)
    first = running[0]
    doing = _STATES.get(first["state"], first["state"].lower())
    since = next((d["since"] for d in report["doing"] if d["goal"] == first["id"]), now)
    more = f" +{len(running) - 1}" if len(running) > 1 else ""
    detail = f"{doing} {age(now - since)}{more}"
    return Standing(word="RUNNING", glyph=glyphs.running, tone="good", detail=detail)
