"""What may be approved together with others: only what the lowest tier asks for."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.canonical import JsonObject
from ..domain.errors import NotAllowed
from ..domain.risk import Risk

BATCH_UP_TO = Risk.R1
"""The lowest tier that anything is asked for: what can be undone in the workspace."""


def check_batch(found: Sequence[JsonObject]) -> None:
    """Raise NotAllowed unless this is one, or all of them are harmless enough to go together."""
    names = [each["id"] for each in found]
    if len(found) < 2:
        return
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise NotAllowed(f"{', '.join(twice)} is named twice", rules=("batch-harmless-only",))
    above = [each for each in found if _risk(each) > BATCH_UP_TO]
    if above:
        which = ", ".join(f"{each['id']} ({each['risk'] or 'of no known risk'})" for each in above)
        raise NotAllowed(
            f"only what is {BATCH_UP_TO.name} goes together; one by one: {which}",
            rules=("batch-harmless-only",),
        )


def _risk(found: JsonObject) -> Risk:
    # What nobody judged is not harmless.
    return Risk[found["risk"]] if found["risk"] in Risk.__members__ else Risk.R5
