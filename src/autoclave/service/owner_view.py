"""The owners of a home as people see them."""

from __future__ import annotations

from ..domain.canonical import JsonObject
from ..domain.owners import OwnerBook
from .another_yes import another_yes


def owners_to_json(book: OwnerBook) -> JsonObject:
    owners = [
        {"name": each.name, "key": each.key, "since": each.enrolled_at, "by": each.enrolled_by}
        for each in book.owners.values()
    ]
    waiting = [
        {
            "change": change.change,
            "name": change.name,
            "key": change.key,
            "signed_by": [each.granted_by for each in book.signed[named]],
            "expires_at": min(each.expires_at for each in book.signed[named]),
            "waits_for": another_yes(book.quorum, book.signed[named]),
        }
        for named, change in book.waiting.items()
    ]
    return {"home": book.home, "owners": owners, "waiting": waiting}
