"""What helped against which error: recoveries inside a goal, repairs of our own code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from ..domain.canonical import JsonObject
from . import rows
from .payload import KEY_LENGTH, clean, number_of, texts_of
from .statistics import Beta
from .tables import remedy_stats, repair_priors

GIVE_UP = "give up"
"""As the mind names it; no remedy at all."""


def count_recoveries(
    connection: Connection, tried: Sequence[tuple[str, str]], *, is_ok: bool
) -> None:
    """Count `(template, remedy)` pairs in the order in which they were tried.

    A remedy helped when its error did not come back and something else followed: a later error or
    the end of a goal that was reached.
    """
    for place, (template_id, remedy) in enumerate(tried):
        later = [template for template, _ in tried[place + 1 :]]
        helped = template_id not in later and (is_ok or bool(later))
        if remedy != GIVE_UP:
            add(connection, template_id, remedy, tried=1, succeeded=int(helped))


def add(
    connection: Connection, template_id: str, remedy: str, *, tried: int, succeeded: int
) -> None:
    key = {"template_id": template_id, "remedy": clean(remedy, KEY_LENGTH)}
    row = {**key, "tried": tried, "succeeded": succeeded}
    rows.add(connection, remedy_stats, [row], "tried", "succeeded")


def remedies_of(connection: Connection, template_id: str) -> dict[str, JsonObject]:
    """By remedy: how often it was tried and helped, most promising first."""
    query = select(remedy_stats).where(remedy_stats.c.template_id == template_id)
    found = {}
    for row in connection.execute(query).mappings():
        losses = max(0, row["tried"] - row["succeeded"])
        seen = Beta(wins=row["succeeded"], losses=losses)
        found[row["remedy"]] = {
            "tried": row["tried"],
            "succeeded": row["succeeded"],
            "lower_bound": round(seen.lower_bound(), 4),
        }
    return dict(sorted(found.items(), key=lambda item: (-item[1]["lower_bound"], item[0])))


def repair_ran(connection: Connection, outputs: JsonObject) -> None:
    """Count the operators of one repair search: how many candidates each, which one won."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for operator, tried, succeeded in _searched(outputs.get("tried")):
        counts[operator][0] += tried
        counts[operator][1] += succeeded
    if outputs.get("fixed") is True and not any(won for _, won in counts.values()):
        for operator in texts_of(outputs, "operators"):
            counts[operator][0] = max(1, counts[operator][0])
            counts[operator][1] += 1
    for operator in sorted(counts):
        tried, succeeded = counts[operator]
        add_to_prior(connection, [operator], tried=tried, succeeded=succeeded)


def add_to_prior(
    connection: Connection, operators: Iterable[str], *, tried: int, succeeded: int
) -> None:
    names = sorted({clean(each, KEY_LENGTH) for each in operators})
    new = [{"operator": each, "tried": tried, "succeeded": succeeded} for each in names]
    rows.add(connection, repair_priors, new, "tried", "succeeded")


def _searched(tried: Any) -> Iterable[tuple[str, int, int]]:
    """`{"family:node": n}` or `{"family:node": [tried, succeeded]}`, whatever else is in it."""
    if not isinstance(tried, dict):
        return
    for operator, value in list(tried.items())[:500]:
        pair = value if isinstance(value, list) else [value, 0]
        numbers = {str(i): each for i, each in enumerate(pair[:2])}
        yield str(operator), int(_capped(numbers, "0")), int(_capped(numbers, "1"))


def _capped(numbers: JsonObject, key: str) -> float:
    return min(number_of(numbers, key), 1_000_000)
