"""The journal for an outsider: lines that anybody can check, and one that only we can make."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..domain.canonical import JsonObject, canonical
from ..domain.errors import Conflict, InvalidInput, OutOfResources
from .anchor import Anchored
from .chain import Row, mac_of_note
from .durable import sync_folder

GENESIS = "0" * 64
"""What the first event of a journal names as the hash before it."""
_FORMAT = 1
_PURPOSE = "audit-export"
_BEGINS = '{"previous":"'
_EVENT = '","event":'
_HASH = ',"hash":"'
_ENDS = '"}'
_CLOSING = '{"closing":'
_MAC = ',"mac":"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCheck:
    """What checking an exported file came to."""

    ok: bool
    events: int
    """How many lines of events were found good, from the first on."""
    first_bad: int | None
    """Number of the first line that is not what was written."""
    reason: str
    mac: str
    """Whether the closing line is ours: `agrees`, `disagrees`, `not checked` without the key."""
    head: str
    """Id and hash of the last event."""


def export_lines(
    rows: Iterable[Row],
    *,
    first: int,
    last: int,
    key: bytes,
    anchored: Anchored | None,
    at: float,
) -> Iterator[str]:
    """The lines for the events `first` to `last` of `rows`, which begin with the journal's first.

    Each hash covers the one before and the exact text of its event, so that the same event has
    the same hash in every export.
    """
    previous = before = GENESIS
    count, head = 0, {"id": 0, "hash": GENESIS, "mac": ""}
    for row in rows:
        if row.id > last:
            break
        text = _event_text(row)
        digest = _hash(previous, text)
        if row.id < first:
            before = digest
        else:
            count += 1
            yield f"{_BEGINS}{previous}{_EVENT}{text}{_HASH}{digest}{_ENDS}"
        head = {"id": row.id, "hash": digest, "mac": row.mac.hex()}
        previous = digest
    closing: JsonObject = {
        "format": _FORMAT,
        "events": count,
        "first": first,
        "previous": before,
        "head": head,
        "anchor": {"id": anchored.id, "mac": anchored.mac.hex()} if anchored else None,
        "exported_at": at,
    }
    said = canonical(closing)
    yield f"{_CLOSING}{said}{_MAC}{mac_of_note(key, _PURPOSE, said).hex()}{_ENDS}"


def check_lines(lines: Iterable[str], *, key: bytes | None) -> ExportCheck:
    """Follow the chain of an exported file; with the home's key the closing line as well."""
    walk = _Walk(key=key)
    for number, line in enumerate(lines, 1):
        if reason := walk.take(line.rstrip("\n")):
            return walk.verdict(number, reason)
    if not walk.is_closed:
        return walk.verdict(walk.events + 1, "the closing line is missing: the file was cut short")
    return walk.verdict(None, "")


def write_new(path: Path, lines: Iterable[str]) -> None:
    """Write a private file, whole or not at all. Raises Conflict when there is one already."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            _write_all(file, lines)
        os.link(beside, path)
        sync_folder(path.parent)
    except FileExistsError:
        raise Conflict(f"{path} is there already", hint="name another file") from None
    except FileNotFoundError:
        raise InvalidInput(f"{path.parent} is not a folder") from None
    except OSError as error:
        raise OutOfResources(f"{path} cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def _write_all(file: IO[str], lines: Iterable[str]) -> None:
    for line in lines:
        file.write(f"{line}\n")
    file.flush()
    os.fsync(file.fileno())


@dataclass(slots=True, kw_only=True)
class _Walk:
    """How far a file was followed."""

    key: bytes | None
    events: int = 0
    first: int = 0
    started_from: str = ""
    id: int = 0
    hash: str = GENESIS
    is_closed: bool = False
    mac: str = "not checked"

    def take(self, line: str) -> str:
        """One more line; what is wrong with it, empty when nothing is."""
        if self.is_closed:
            return "there is a line after the closing one"
        try:
            if line.startswith(_CLOSING):
                return self._close(line)
            return self._event(line)
        except (ValueError, KeyError, TypeError):
            return "it is not a line of an export"

    def _event(self, line: str) -> str:
        head = len(_BEGINS) + 64
        tail = len(line) - 64 - len(_ENDS)
        previous, digest = line[len(_BEGINS) : head], line[tail : tail + 64]
        text = line[head + len(_EVENT) : tail - len(_HASH)]
        if line != f"{_BEGINS}{previous}{_EVENT}{text}{_HASH}{digest}{_ENDS}":
            return "it is not a line of an export"
        number = json.loads(text)["id"]
        if self.events and number != self.id + 1:
            return f"event {self.id + 1} is missing or out of order: this is event {number}"
        if self.events and previous != self.hash:
            return f"event {number} does not follow the line before"
        if number == 1 and previous != GENESIS:
            return "event 1 has nothing before it, and names something"
        if _hash(previous, text) != digest:
            return f"event {number} was changed: its hash is another one"
        if not self.events:
            self.first, self.started_from = number, previous
        self.events, self.id, self.hash = self.events + 1, number, digest
        return ""

    def _close(self, line: str) -> str:
        self.is_closed = True
        tail = len(line) - 64 - len(_ENDS)
        said, mac = line[len(_CLOSING) : tail - len(_MAC)], line[tail : tail + 64]
        if line != f"{_CLOSING}{said}{_MAC}{mac}{_ENDS}":
            return "it is not a closing line"
        if self.key is not None:
            is_ours = hmac.compare_digest(mac_of_note(self.key, _PURPOSE, said).hex(), mac)
            self.mac = "agrees" if is_ours else "disagrees"
            if not is_ours:
                return "it lacks this home's MAC: made by another home, or rewritten"
        closing = json.loads(said)
        if closing["format"] != _FORMAT:
            return f"format {closing['format']} is not known to this version"
        if closing["events"] != self.events:
            return f"{closing['events']} events were exported and {self.events} are here"
        named = (closing["head"]["id"], closing["head"]["hash"], closing["first"])
        if self.events and named != (self.id, self.hash, self.first):
            return "the closing line is of other events"
        if self.events and closing["previous"] != self.started_from:
            return "the closing line names another beginning"
        return ""

    def verdict(self, bad: int | None, reason: str) -> ExportCheck:
        return ExportCheck(
            ok=bad is None,
            events=self.events,
            first_bad=bad,
            reason=reason,
            mac=self.mac,
            head=f"{self.id}:{self.hash}",
        )


def _event_text(row: Row) -> str:
    # The payload goes in as it is stored: its spelling is part of what the hash covers.
    rest = {"id": row.id, "stream": row.stream, "seq": row.seq, "epoch": row.epoch}
    rest |= {"kind": row.kind, "version": row.version, "actor": row.actor, "at": row.at}
    return f'{canonical(rest)[:-1]},"payload":{row.payload}}}'


def _hash(previous: str, text: str) -> str:
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
