"""What an owner is about to sign, as text."""

from __future__ import annotations

from collections.abc import Sequence

from ...domain.approval import Sheet
from ...domain.canonical import JsonObject, canonical
from ...domain.text import show_line
from .paint import moment

_DIGITS = 12


def deed(sheet: Sheet) -> str:
    """What happens when it is signed: everything that the digest is of."""
    facts = {**sheet.facts}
    lines: list[str] = [show_line(f"{sheet.subject} {sheet.digest[:_DIGITS]}")]
    owners = _owners(facts) if "owners_then" in facts else []
    lines += [f"  {name.replace('_', ' ')}: {_value(name, each)}" for name, each in facts.items()]
    return "\n".join([*lines, *owners])


def standing(done: JsonObject) -> str:
    """What became of it, where more than one yes is needed."""
    return show_line(f"it waits for {done['waits_for']}")


def _owners(facts: JsonObject) -> list[str]:
    """Says that going back changes who owns the home, before anything else is read."""
    now, then = _names(facts.pop("owners")), _names(facts.pop("owners_then"))
    if not facts.pop("changes_owners"):
        return [f"  owners: {now}, then as now"]
    after = then or "nobody: whoever comes first becomes its owner"
    return [
        f"  THIS CHANGES WHO OWNS THE HOME: now {now or 'nobody'}; then {after}",
        "  so it takes as many owners as a change of owners does",
    ]


def _names(owners: Sequence[JsonObject]) -> str:
    return show_line(", ".join(f"{each['name']} ({each['key'][:_DIGITS]})" for each in owners))


def _value(name: str, value: object) -> str:
    if name.endswith("_at") and isinstance(value, float):
        return moment(value)
    said = value if isinstance(value, str) else canonical(value)
    return show_line(said or "none")
