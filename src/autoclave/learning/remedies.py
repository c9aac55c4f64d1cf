"""What helped against which error: recoveries inside a goal, repairs of our own code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from ..domain.canonical import JsonObject
from ..domain.knowledge import Experience, Outcome
from . import rows
from .payload import KEY_LENGTH, clean, name_of, number_of, texts_of
from .statistics import Beta
from .tables import remedy_stats, repair_priors
from .template_store import KnownError


def count_recoveries(
    connection: Connection,
    experience: Experience,
    errors: Sequence[KnownError],
    plans: Sequence[JsonObject],
) -> None:
    """Which remedies this episode tried against its errors, and whether they worked."""
    is_ok = experience.success is Outcome.OK
    for error in errors:
        for remedy, helped in _tried(experience, error, plans, is_ok=is_ok).items():
            add(connection, error.template_id, remedy, tried=1, succeeded=int(helped))


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


def _tried(
    experience: Experience, error: KnownError, plans: Sequence[JsonObject], *, is_ok: bool
) -> dict[str, bool]:
    """Remedies have the names that the mind gives them."""
    tried: dict[str, bool] = {}
    runs = [each for each in experience.actions if name_of(each, "capability") == error.capability]
    failed = [i for i, each in enumerate(runs) if name_of(each, "error_class") == error.error_class]
    again = runs[failed[0] + 1 :] if failed else []
    step = name_of(runs[failed[0]], "step") if failed else ""
    if same := [each for each in again if name_of(each, "step") == step]:
        tried["retry"] = same[-1].get("ok") is True
    if len(plans) > 1:
        smaller = " without " in plans[-1]["signature"]
        tried["degrade" if smaller else "other way"] = is_ok
    return tried


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
