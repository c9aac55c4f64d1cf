"""What waits for a person, and how many goals and proposals there are, counted by the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ..domain.canonical import JsonObject, digest
from ..domain.run import ESCALATED, SPENT, RunStatus
from ..domain.standing import PauseCode
from .board import GOALS, PROPOSALS, find_standing

_OPEN_PROPOSALS = ("waiting", "signed")
_FOR_MODEL = "waiting for the model:"


class WaitingKind(StrEnum):
    """What kind of thing waits."""

    QUESTION = "question"
    PROPOSAL = "proposal"
    ESCALATION = "escalation"
    BUDGET = "budget"
    MODEL = "model"
    """The language model is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingItem:
    """One thing that a person could do something about."""

    kind: WaitingKind
    subject: str
    """`G-0001`, `P-0001`, `agent`."""
    what: str
    """In words; untrusted text."""
    since: float
    next: str
    """The command that leads on."""
    version: str = ""
    """Tells it from what the same subject waited for before."""

    @property
    def key(self) -> str:
        """The same as long as it waits for the same."""
        return digest([str(self.kind), self.subject, self.version])

    def to_json(self) -> JsonObject:
        given = asdict(self)
        return {**given, "kind": str(self.kind)}


def find_counts(connection: Any) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How many goals, and how many proposals, by status."""
    return _counted(connection, GOALS), _counted(connection, PROPOSALS)


def find_waiting(connection: Any) -> list[WaitingItem]:
    """Everything that waits, the oldest first."""
    found = [*_of_agent(connection), *_of_goals(connection), *_of_proposals(connection)]
    return sorted(found, key=lambda item: item.since)


def _counted(connection: Any, table: sa.Table) -> dict[str, int]:
    query = sa.select(table.c.status, sa.func.count()).group_by(table.c.status)
    return {str(status): int(count) for status, count in connection.execute(query)}


def _of_agent(connection: Any) -> Iterator[WaitingItem]:
    standing = find_standing(connection)
    if standing.code is PauseCode.ESCALATED:
        yield WaitingItem(
            kind=WaitingKind.ESCALATION,
            subject="agent",
            what=standing.reason,
            since=standing.since,
            next="autoclave resume --reason TEXT",
            version=repr(standing.since),
        )


def _of_goals(connection: Any) -> Iterator[WaitingItem]:
    waits = GOALS.c.status.in_([RunStatus.AWAITING_HUMAN, RunStatus.PARKED])
    away = sa.and_(GOALS.c.status == RunStatus.WAITING, GOALS.c.reason.startswith(_FOR_MODEL))
    query = sa.select(GOALS).where(sa.or_(waits, away))
    for row in connection.execute(query).mappings():
        kind = _kind_of(row)
        if kind is not None:
            yield WaitingItem(
                kind=kind,
                subject=row["id"],
                what=row["reason"] or row["text"],
                since=row["updated_at"],
                next=f"autoclave goal show {row['id']}",
                version=_version(kind, row),
            )


def _kind_of(row: Mapping[str, Any]) -> WaitingKind | None:
    if row["status"] == RunStatus.AWAITING_HUMAN:
        return WaitingKind.QUESTION
    if row["status"] == RunStatus.WAITING:
        return WaitingKind.MODEL
    if row["code"] == SPENT:
        return WaitingKind.BUDGET
    if row["code"] == "model":
        return WaitingKind.MODEL
    # Whatever else the kernel set aside is for a person to look at.
    return WaitingKind.ESCALATION if row["code"] in (ESCALATED, *_SET_ASIDE) else None


_SET_ASIDE = ("poison", "depth", "error", "fatal")


def _version(kind: WaitingKind, row: Mapping[str, Any]) -> str:
    """A model that is still away sets its timer anew each time, and that is nothing new."""
    if kind is WaitingKind.MODEL:
        return ""
    return repr((row["question"], row["wake_at"], row["updated_at"]))


def _of_proposals(connection: Any) -> Iterator[WaitingItem]:
    query = sa.select(PROPOSALS).where(PROPOSALS.c.status.in_(_OPEN_PROPOSALS))
    for row in connection.execute(query).mappings():
        said = row["title"] if row["status"] == "waiting" else f"another yes to: {row['title']}"
        yield WaitingItem(
            kind=WaitingKind.PROPOSAL,
            subject=row["id"],
            what=said,
            since=row["updated_at"],
            next=f"autoclave proposal show {row['id']}",
            version=f"{row['status']} {row['digest']}",
        )
