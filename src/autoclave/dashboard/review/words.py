"""The sentences of a review."""

from __future__ import annotations

from typing import Protocol

from ...domain.canonical import JsonObject
from ...domain.risk import Risk
from ...domain.text import show_line
from ..glyphs import Glyphs
from .deciding import OPEN, Standing, lacking, risk_of
from .diff import Diff
from .diff_view import DiffView
from .evidence import age
from .ink import fit
from .memory import Notes


class Reviewed(Protocol):
    """What the sentences are about."""

    proposal_id: str
    given: JsonObject
    standing: Standing
    pane: str

    @property
    def diff(self) -> DiffView: ...

    @property
    def notes(self) -> Notes: ...

    @property
    def is_wide(self) -> bool: ...

    @property
    def is_counting_down(self) -> bool: ...


NARROW = 70
"""Columns below which the keys have short words."""

HELP = (
    "a approve   r reject   b send back   d defer for 4 hours",
    "u or Esc takes a yes back while it counts down",
    "Tab or e: diff or evidence     Enter: details of a gate",
    "n N hunk   ] [ file   f all files   / search, m M next and previous match",
    "Space seen   x unwanted   c comment (again: change it)   C next comment",
    "s unified or split   arrows, PgUp, PgDn, Home, End move",
    "Esc back",
    "",
    "Enter, a click, a paste and a key that is held down never decide anything.",
)


def head(screen: Reviewed, *, now: float, glyphs: Glyphs) -> str:
    """Which one, how dangerous, how it stands, how far it was read."""
    given = screen.given
    name = show_line(screen.proposal_id)
    if not given:
        return f" {name}"
    risk = risk_of(given)
    sign = glyphs.high if risk >= Risk.R4 else glyphs.middle if risk >= Risk.R2 else glyphs.low
    parts = [
        name,
        f"{sign}{risk.name}",
        _status(screen),
        _seen(screen.diff),
        _count(len(screen.notes.comments), "comment") if screen.notes.comments else "",
        _expires(given, now),
    ]
    return fit(show_line(" " + "  ".join(part for part in parts if part)), glyphs)


def title(screen: Reviewed, glyphs: Glyphs) -> str:
    """What it calls itself; in a narrow window also which of the two sides is open."""
    said = str(show_line(str(screen.given.get("title", ""))))
    if not screen.is_wide:
        open_, other = ("evidence", "diff") if screen.pane == "evidence" else ("diff", "evidence")
        said = f"[{open_}] {other}  {said}"
    return fit(said, glyphs)


def _status(screen: Reviewed) -> str:
    standing = screen.standing
    if standing.is_lost:
        return "NO LINK"
    if standing.is_changed:
        return "CHANGED"
    return standing.status if not standing.problem else f"{standing.status}, not to be approved"


def _seen(view: DiffView) -> str:
    total = len(view.diff.hunks)
    if not total:
        return "no hunks"
    return f"{total - len(view.unseen())}/{total} hunks seen"


def _expires(given: JsonObject, now: float) -> str:
    if given.get("status") not in OPEN or not given.get("expires_at"):
        return ""
    left = float(given["expires_at"]) - now
    return f"expires in {age(left)}" if left > 0 else "expired"


def keys(screen: Reviewed, width: int) -> str:
    """Decisions first, and only those that can be made now."""
    standing = screen.standing
    hints: list[str] = []
    reject, back = ("r no", "b back") if width < NARROW else ("r reject", "b send back")
    if screen.is_counting_down:
        hints.append("u take the yes back")
    elif not standing.blocked():
        if not standing.why_not(screen.given):
            hints.append("a yes" if width < NARROW else "a approve")
        hints.append(reject)
        if standing.status in OPEN:
            hints.append(back)
        hints.append("d defer")
    if standing.is_changed:
        hints.append("o open the new one")
    other = "diff" if screen.pane == "evidence" else "evidence"
    last = " ? keys" if width < NARROW else "  ? keys"
    room = " " if width < NARROW else "  "
    line = ""
    for hint in (*hints, f"e {other}", "n hunk", "c comment", "x unwanted", "s split", "/ find"):
        if len(line) + len(hint) + len(room) + len(last) > width:
            break
        line += room + hint
    return f" {(line + last).strip()}"[:width]


def opening(diff: Diff, given: JsonObject) -> str:
    """What there is to read; what is missing comes first."""
    missing = lacking(given)
    if not missing and (waits := given.get("waits_for")):
        missing = f"signed; it waits for {waits}"
    return f"{missing}; {diff.summary()}" if missing else diff.summary()


def unseen(view: DiffView) -> str:
    """What was never wholly on the screen; empty when everything was."""
    number, total = len(view.unseen()), len(view.diff.hunks)
    if not number:
        return ""
    was = "was" if number == 1 else "were"
    return f"{number} of {_count(total, 'hunk')} {was} never wholly on the screen"


def before_yes(given: JsonObject, notes: Notes, glyphs: Glyphs) -> list[str]:
    """What a yes is to, and what speaks against it, once more."""
    risk, people = risk_of(given), int(given.get("people") or 1)
    takes = "Your yes is enough." if people == 1 else f"It takes the yes of {people} people."
    said = [
        show_line(str(given.get("title") or "")),
        f"{risk.name}, {given.get('lines', 0)} lines of diff, "
        f"hash {show_line(str(given.get('digest') or ''))[:12]}.  {takes}",
        "",
        *(f"- {show_line(str(each))}" for each in (given.get("case_against") or [])[:4]),
    ]
    if notes.unwanted or notes.comments:
        said += [
            "",
            f"You marked {_count(len(notes.unwanted), 'hunk')} unwanted and made "
            f"{_count(len(notes.comments), 'comment')}: a yes is to all of it as it is.",
        ]
    return [fit(each, glyphs) for each in said]


def comments(view: DiffView, notes: Notes) -> list[str]:
    """All that is sent back: what was said about lines, and the hunks that nobody wants."""
    said = [comment.said() for comment in notes.comments]
    for hunk in view.diff.hunks:
        if hunk.index in notes.unwanted:
            path, line = view.diff.files[hunk.file].path, hunk.new_start or hunk.old_start
            heading = view.diff.lines[hunk.start][:80]
            said.append(f"{path}:{line}: “{heading}”: leave this hunk out")
    return said


def approved(done: JsonObject) -> str:
    if waits := done.get("waits_for"):
        return f"your yes is written down; it waits for {waits}"
    commit, undo = str(done.get("commit") or "")[:12], (done.get("contract") or {}).get("undo", "")
    if done["status"] == "applied":
        return f"approved and applied as {commit}; to undo: {undo}"
    why = done.get("decision_reason")
    return f"approved, but it is {done['status']} now{f': {why}' if why else ''}"


def became(now: JsonObject) -> str:
    """Somebody else was faster."""
    by = str(now.get("decided_by") or "").removeprefix("person:")
    if waits := now.get("waits_for"):
        return f"it is {now['status']} now; it waits for {waits}"
    return f"it is {now['status']} now{f', by {by}' if by else ''}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
