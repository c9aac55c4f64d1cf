"""What the first page says."""

from __future__ import annotations

from ...domain.canonical import JsonObject
from ..glyphs import Glyphs
from ..ink import Line, Tone, line
from ..lines import Row
from ..needs import Needs, row
from ..words import age, amount, count, moment

EXAMPLES = (
    "list the files of the workspace",
    "count the lines of README.md",
    "make the failing tests pass",
)
"""They look, or change nothing without a question."""

_FIRST = (
    ("Autoclave works on goals that you give it, on its own, as long as it is left running.", ""),
    ("It changes your files, and itself, only after you have seen what it wants and said yes.", ""),
    ("See it first, without a key and without the network:  autoclave demo", "key"),
    ("Then start it beside this window:  autoclave serve", "key"),
    ("And give it a goal here: press g, or choose one below.", ""),
)
_BAD = ("failed", "ErrorMet", "IncidentRecorded", "GoalParked")


def is_first_start(report: JsonObject) -> bool:
    """Nobody gave it a goal yet."""
    return not report["goals"] and not report["open_goals"] and not report["proposals"]


def first_lines() -> list[Line]:
    return [line((text, tone)) for text, tone in _FIRST]  # type: ignore[arg-type]


def example_rows() -> list[Row]:
    return [Row(key=f"example:{text}", left=line(("  ", ""), text)) for text in EXAMPLES]


def need_rows(needs: Needs, glyphs: Glyphs, *, now: float) -> list[Row]:
    found = []
    for key, item in needs.items.items():
        left, right = row(item, needs, glyphs, now=now)
        found.append(Row(key=key, left=left, right=right))
    return found


def nothing_waits(report: JsonObject, *, now: float) -> str:
    decided = report["last_decision"]
    last = f" Last decision {age(now - decided)} ago." if decided else ""
    if not report["open_goals"]:
        return f"Nothing needs you.{last}\nNo goal is open. Press g to give one."
    return f"Nothing needs you.{last}"


def goal_lines(report: JsonObject, *, now: float) -> list[Line]:
    """The goals that are worked on, or would be next."""
    goals = sorted(report["open_goals"], key=lambda goal: goal["status"] != "running")
    if not goals:
        return [line(("No goal is open. Press g to give one.", "dim"))]
    lines = []
    for goal in goals[:2]:
        lines.append(line((f"{goal['id']} ", "dim"), (goal["text"], "strong")))
        why = f": {goal['reason']}" if goal["reason"] else ""
        since = age(now - goal["updated_at"])
        lines.append(line(f"  {goal['status']}", (f" {since}{why}", "dim")))
    if len(goals) > 2:
        lines.append(line((f"  and {len(goals) - 2} more (2 lists them)", "dim")))
    return lines


def now_lines(report: JsonObject, *, now: float) -> list[Line]:
    """What is under way."""
    lines = []
    for doing in report["doing"]:
        how = "for" if doing["under_way"] else "done"
        lines.append(line((f"{doing['goal']} ", "dim"), doing["what"] or "thinking"))
        ago = "" if doing["under_way"] else " ago"
        lines.append(line((f"  {how} {age(now - doing['since'])}{ago}", "dim")))
    for batch in report["batches"]:
        asked = count(batch["questions"], "question")
        lines.append(line((f"{batch['id']} ", "dim"), f"{asked} with {batch['model']}"))
        lines.append(line((f"  looked at again {moment(batch['wake_at'])}", "dim")))
    return lines or [line(("Nothing is under way.", "dim"))]


def hour_lines(report: JsonObject, glyphs: Glyphs) -> list[Line]:
    """The last hour in two rows of blocks and the newest events."""
    hour = report["hour"]
    failed = sum(hour["errors"])
    tone: Tone = "bad" if failed else "dim"
    return [
        line(
            "tokens ", (glyphs.spark(hour["tokens"]), "accent"), f" {amount(sum(hour['tokens']))}"
        ),
        line("errors ", (glyphs.spark(hour["errors"]), tone), f" {failed}"),
        line((f"{count(hour['events'], 'event')}", "dim")),
    ]


def recent_lines(report: JsonObject, glyphs: Glyphs) -> list[Line]:
    """The newest last."""
    found = [event_line(event, glyphs) for event in report["recent"] if event["summary"]]
    return found or [line(("Nothing has happened yet.", "dim"))]


def event_line(event: JsonObject, glyphs: Glyphs) -> Line:
    """One event: when, where, what."""
    mark, tone = event_sign(event, glyphs)
    where = event["stream"].rpartition("/")[2]
    said = event["summary"] or event["kind"]
    return line((f"{moment(event['at'])} ", "dim"), (mark, tone), f" {where} ", (said, ""))


def event_sign(event: JsonObject, glyphs: Glyphs) -> tuple[str, Tone]:
    """Whether it went well, as far as that can be told from one event."""
    kind, said = event["kind"], event["summary"]
    if kind in _BAD or " failed: " in said:
        return glyphs.bad, "bad"
    if kind in ("QuestionAsked", "ProposalSigned"):
        return glyphs.question, "warn"
    if kind in ("ResultRecorded", "GoalEnded", "ProposalApplied"):
        return glyphs.ok, "good"
    return glyphs.low, "dim"
