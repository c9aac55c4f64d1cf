"""Error templates in their table: finding the one of a failure, letting it grow vaguer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select, update

from . import rows
from .error_templates import best_match, merge, spell, template_id, tokens_of
from .payload import name_of, text_of
from .tables import error_templates


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownError:
    """A failure with the template that it belongs to."""

    template_id: str
    template: str
    capability: str
    error_class: str
    where: str


def learn(
    connection: Connection, capability: str, failure: Mapping[str, Any], *, at: float, seen: int
) -> KnownError:
    """The template of this failure, founded or grown vaguer when needed; counted `seen` times."""
    tokens = tokens_of(failure)
    scope = _scope(failure).where(error_templates.c.capability == capability)
    known = list(connection.execute(scope).mappings())
    index = best_match(tokens, [row["tokens"] for row in known])
    if index is None:
        return _found(connection, capability, failure, tokens, at=at, seen=seen)
    row = known[index]
    merged = merge(row["tokens"], tokens) or tokens
    connection.execute(
        update(error_templates)
        .where(error_templates.c.id == row["id"])
        .values(tokens=merged, seen=row["seen"] + seen, last_at=max(at, row["last_at"]))
    )
    return _known(row["id"], capability, failure, merged)


def recorded(connection: Connection, template: str) -> KnownError | None:
    """A template by its id."""
    row = rows.get(connection, error_templates, id=template)
    if row is None:
        return None
    return KnownError(
        template_id=row["id"],
        template=spell(row["error_class"], row["location"], row["tokens"]),
        capability=row["capability"],
        error_class=row["error_class"],
        where=row["location"],
    )


def look_up(connection: Connection, failure: Mapping[str, Any]) -> str:
    """The template that a failure belongs to, as text, without learning from it."""
    tokens = tokens_of(failure)
    known = [row["tokens"] for row in connection.execute(_scope(failure)).mappings()]
    index = best_match(tokens, known)
    found = tokens if index is None else merge(known[index], tokens) or tokens
    return spell(name_of(failure, "error_class"), name_of(failure, "where"), found)


def _found(
    connection: Connection,
    capability: str,
    failure: Mapping[str, Any],
    tokens: list[str],
    *,
    at: float,
    seen: int,
) -> KnownError:
    name = template_id(capability, failure, tokens)
    # The same name can only come back when its template has grown too vague for its founder.
    rows.put(
        connection,
        error_templates,
        {
            "id": name,
            "capability": capability,
            "error_class": name_of(failure, "error_class"),
            "location": name_of(failure, "where"),
            "tokens": tokens,
            "seen": seen,
            "sample": text_of(failure, "message", 500),
            "first_at": at,
            "last_at": at,
        },
    )
    return _known(name, capability, failure, tokens)


def _known(name: str, capability: str, failure: Mapping[str, Any], tokens: list[str]) -> KnownError:
    error_class, where = name_of(failure, "error_class"), name_of(failure, "where")
    return KnownError(
        template_id=name,
        template=spell(error_class, where, tokens),
        capability=capability,
        error_class=error_class,
        where=where,
    )


def _scope(failure: Mapping[str, Any]) -> Select[Any]:
    return (
        select(error_templates)
        .where(
            error_templates.c.error_class == name_of(failure, "error_class"),
            error_templates.c.location == name_of(failure, "where"),
        )
        .order_by(error_templates.c.first_at, error_templates.c.id)
        .limit(200)
    )
