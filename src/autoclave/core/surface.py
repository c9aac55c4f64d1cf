"""What governance says about a change of ourselves, and whose yes it takes."""

from __future__ import annotations

from ..domain.approval import Quorum
from ..domain.canonical import JsonObject
from ..domain.changes import ChangeSet
from ..domain.errors import NotAllowed
from ..domain.risk import Action, ActionKind, Ruling, Verdict
from .parts import Parts


def judge_surface(parts: Parts, changes: ChangeSet, *, goal: str) -> Quorum:
    """Whose yes these changes take. Raises NotAllowed when a rule refuses them."""
    return rule_on_surface(parts, changes, goal=goal).quorum


def rule_on_surface(parts: Parts, changes: ChangeSet, *, goal: str) -> Ruling:
    """Which rules speak about them, and why. Raises NotAllowed when one refuses them."""
    attributes: JsonObject = {
        "touches": parts.touches_of(changes.paths),
        "paths": list(changes.paths),
        "files": len(changes.files),
        "lines": changes.diff().count("\n"),
    }
    action = Action(
        kind=ActionKind.SELF_MODIFICATION,
        target=changes.paths[0] if changes.paths else ".",
        attributes=attributes,
        goal_id=goal,
    )
    ruling = parts.gate.judge(action)
    if ruling.verdict is Verdict.DENY:
        raise NotAllowed(f"this may not be changed: {ruling.reason}", rules=ruling.rules)
    return ruling
