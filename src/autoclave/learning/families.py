"""Families of goals: goals put in the same words, up to their particulars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, update

from . import rows
from .statistics import Beta
from .tables import families, family_words, word_counts
from .words import rarest, similarity, weights

SAME_FAMILY = 0.55
"""Chosen for precision: a missed reuse costs a little planning, a wrong one a failed goal."""
_ALL = ""
_MOST_CANDIDATES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The counts of a few words, and what they weigh."""

    counts: Mapping[str, int]
    total: int

    def weights(self, *groups: Sequence[str]) -> dict[str, float]:
        return weights({word for group in groups for word in group}, self.counts, self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    family_id: int
    similarity: float


def vocabulary(connection: Connection, *groups: Sequence[str]) -> Vocabulary:
    """Counts of these words as they stand."""
    wanted = {word for group in groups for word in group}
    found = connection.execute(_COUNTS, {"words": [*sorted(wanted), _ALL]})
    counts: dict[str, int] = {row.word: row.goals for row in found}
    total = counts.pop(_ALL, 0)
    return Vocabulary(counts=counts, total=total)


def count_words(connection: Connection, words: Sequence[str]) -> None:
    """One more experience has these words."""
    rows.add(connection, word_counts, [{"word": w, "goals": 1} for w in (_ALL, *words)], "goals")


def matches(connection: Connection, words: Sequence[str], *, least: float) -> list[Match]:
    """Families that the goal may belong to, best first, oldest first among equals."""
    known = vocabulary(connection, words)
    chosen = rarest(words, known.counts, most=4)
    if not chosen:
        return []
    found = _cores(connection, _candidates(connection, chosen))
    others = {word for core in found.values() for word in core} - set(words)
    more = vocabulary(connection, sorted(others)) if others else known
    weight = Vocabulary(counts={**known.counts, **more.counts}, total=known.total).weights(
        words, *found.values()
    )
    scored = [
        Match(family_id=family_id, similarity=_alike(words, core, weight))
        for family_id, core in found.items()
    ]
    good = [match for match in scored if match.similarity >= least]
    return sorted(good, key=lambda match: (-match.similarity, match.family_id))


def join(connection: Connection, words: Sequence[str], *, label: str, event_id: int) -> int:
    """The family of a goal that has ended; founded when there is none. The goal is counted in."""
    near = matches(connection, words, least=SAME_FAMILY)
    family_id = near[0].family_id if near else event_id
    founded = {"id": family_id, "label": label, "goals": 1, "alpha": 0.0, "beta": 0.0}
    rows.add(connection, families, [founded], "goals")
    support = [{"word": word, "family_id": family_id, "support": 1} for word in words]
    rows.add(connection, family_words, support, "support")
    return family_id


def evidence(connection: Connection, family_id: int) -> Beta:
    row = rows.get(connection, families, id=family_id)
    return Beta() if row is None else Beta(wins=row["alpha"], losses=row["beta"])


def count_outcome(connection: Connection, family_id: int, after: Beta) -> None:
    counts = {"family": family_id, "wins": after.wins, "losses": after.losses}
    connection.execute(_SET_OUTCOME, counts)


def _alike(words: Sequence[str], core: Sequence[str], weight: Mapping[str, float]) -> float:
    """Goals are orders: without the same first word they seldom ask for the same thing."""
    shared = similarity(words, core, weight)
    return shared if words[0] in core else shared / 2


def _candidates(connection: Connection, words: Sequence[str]) -> list[int]:
    return list(connection.execute(_CANDIDATES, {"words": list(words)}).scalars())


def _cores(connection: Connection, family_ids: Sequence[int]) -> dict[int, list[str]]:
    """The words that most goals of each family have."""
    cores: defaultdict[int, list[str]] = defaultdict(list)
    for family_id, word in connection.execute(_CORES, {"families": list(family_ids)}):
        cores[family_id].append(word)
    return cores


_CANDIDATES = (
    select(family_words.c.family_id)
    .where(family_words.c.word.in_(bindparam("words", expanding=True)))
    .group_by(family_words.c.family_id)
    .order_by(func.count().desc(), family_words.c.family_id)
    .limit(_MOST_CANDIDATES)
)
_CORES = (
    select(family_words.c.family_id, family_words.c.word)
    .join(families, families.c.id == family_words.c.family_id)
    .where(
        families.c.id.in_(bindparam("families", expanding=True)),
        family_words.c.support * 2 > families.c.goals,
    )
    .order_by(family_words.c.family_id, family_words.c.word)
)
_COUNTS = select(word_counts).where(word_counts.c.word.in_(bindparam("words", expanding=True)))
_SET_OUTCOME = (
    update(families)
    .where(families.c.id == bindparam("family"))
    .values(alpha=bindparam("wins"), beta=bindparam("losses"))
)
