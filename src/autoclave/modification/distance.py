"""How far a file has come from its first version, and by which steps: small ones add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..domain.canonical import JsonObject
from .body import Body
from .lineage import Lineage


def changed_lines(before: bytes | None, after: bytes | None) -> int:
    """Lines that are only before or only after; one that was moved does not count."""
    old, new = (Counter((side or b"").split(b"\n")) for side in (before, after))
    return (old - new).total() + (new - old).total()


def distances(lineage: Lineage, candidate: Body, paths: Sequence[str]) -> JsonObject:
    """For each path: the lines that differ from the first commit, and the steps that led there."""
    log = lineage.log()
    if not log:
        return {}
    first = lineage.body_at(log[-1].commit)
    found: JsonObject = {}
    for path in paths:
        steps = [
            {
                "step": str(entry.step),
                "proposal": entry.proposal,
                "lines": changed_lines(
                    lineage.file_or_nothing(entry.parent, path),
                    lineage.file_or_nothing(entry.commit, path),
                ),
            }
            for entry in reversed(lineage.touching(path))
            if entry.parent
        ]
        lines = changed_lines(first.files.get(path), candidate.files.get(path))
        found[path] = {"lines": lines, "steps": steps}
    return found


def in_words(found: JsonObject) -> str:
    """What the reviewer reads of it; nothing when this is the first step of every file."""
    walked = {path: each for path, each in found.items() if each["steps"]}
    if not walked:
        return ""
    lines = sum(each["lines"] for each in walked.values())
    by = {str(step["proposal"] or step["step"]) for e in walked.values() for step in e["steps"]}
    named = ", ".join(sorted(by))
    return f"with {named} it is {lines} lines away from the first version"
