"""The owners of a home, and a fresh key, as text."""

from __future__ import annotations

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from .paint import moment, table


def owner_list(found: JsonObject) -> str:
    rows = [
        [each["name"], each["key"][:12], moment(each["since"]), each.get("file", "")]
        for each in found["owners"]
    ]
    hint = "Nobody owns this home. Become its owner: autoclave owner create"
    listed = table(["owner", "key", "since", "your key file"], rows, empty=hint)
    waiting = [_waiting(each) for each in found["waiting"]]
    return "\n".join([listed, *([""] if waiting else []), *waiting])


def made(key: JsonObject) -> str:
    """What became of `owner create`."""
    name, public = show_line(key["name"]), show_line(key["key"])
    what = "is new" if key["made"] else "was there"
    lines = [f"{name}'s key {what}: {show_line(key['file'])}", f"  public: {public}"]
    if key["enrolled"]:
        lines.append(f"  {name} owns this home now.")
    elif not key["owns"]:
        lines.append(f"  an owner can add you: autoclave owner add {name} {public}")
    return "\n".join(lines)


def _waiting(change: JsonObject) -> str:
    by = ", ".join(change["signed_by"])
    said = f"{change['change']} {change['name']}: signed by {by}, waits for {change['waits_for']}"
    return show_line(said)
