"""The agent's changes to itself: proposals, and what became of them."""

from __future__ import annotations

from ...domain.canonical import JsonObject
from ..glyphs import Glyphs
from ..ink import Line, Tone, diff_lines, line, paragraph
from ..needs import tier_sign
from ..words import age, count, moment

OPEN = ("waiting", "signed")
_TONES: dict[str, Tone] = {
    "waiting": "warn",
    "signed": "warn",
    "applied": "good",
    "approved": "good",
    "rejected": "bad",
    "failed": "bad",
    "undone": "dim",
    "expired": "dim",
    "returned": "dim",
}
_MOST_DIFF_LINES = 400


def change_row(proposal: JsonObject, glyphs: Glyphs, *, now: float) -> tuple[Line, Line]:
    mark, tone = tier_sign(proposal["risk"], glyphs)
    status = proposal["status"]
    left = line((mark, tone), (f" {proposal['id']} ", "dim"), proposal["title"])
    when = age(now - proposal["created_at"])
    return left, line((f"{status} ", _TONES.get(status, "")), (when, "dim"))


def change_lines(proposal: JsonObject, lineage: list[JsonObject]) -> list[Line]:
    """Why, what became of it, its place in the lineage, and the change itself."""
    status = proposal["status"]
    lines = [*paragraph(proposal["title"], "strong"), line("")]
    lines.append(line((status, _TONES.get(status, "")), *_by(proposal)))
    if proposal["decision_reason"]:
        lines.append(line(("because  ", "dim"), proposal["decision_reason"]))
    lines.append(line(("why      ", "dim"), proposal["reason"]))
    lines += [
        line(("commit   ", "dim"), f"{each['commit'][:12]} ", (f"{moment(each['at'])}", "dim"))
        for each in lineage
        if each.get("proposal") == proposal["id"]
    ]
    if status in OPEN:
        lines += [line(""), line(("Enter reviews it: evidence, diff and the decision.", "warn"))]
    if proposal["diff"]:
        lines += [line(""), *diff_lines(proposal["diff"], most_lines=_MOST_DIFF_LINES)]
    return lines


def lineage_line(lineage: list[JsonObject]) -> str:
    """Where the agent stands in its own history."""
    if not lineage:
        return "no change was applied yet"
    newest = lineage[0]
    return (
        f"{count(len(lineage), 'commit')}; the newest {newest['commit'][:12]}: {newest['message']}"
    )


def _by(proposal: JsonObject) -> list[str]:
    by = str(proposal["decided_by"]).removeprefix("person:")
    return [f" by {by}"] if by else []
