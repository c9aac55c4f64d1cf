"""Retention: the oldest settled events move to compressed files beside the database."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, func, select

from ..domain.canonical import JsonObject
from ..domain.errors import ConfigurationInvalid, JournalBroken, OutOfResources
from ..domain.events import EventKind
from .chain import Row
from .durable import replace_whole
from .tables import events, log_head, streams

_SETTLED = frozenset(
    {
        EventKind.GOAL_ENDED,
        EventKind.GOAL_CANCELLED,
        EventKind.BATCH_COLLECTED,
        EventKind.BATCH_FAILED,
        EventKind.PROPOSAL_APPLIED,
        EventKind.PROPOSAL_REJECTED,
        EventKind.PROPOSAL_EXPIRED,
        EventKind.PROPOSAL_UNDONE,
        EventKind.PROPOSAL_REDONE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was moved out; the payload of `EventsPruned`."""

    first_kept: int
    prev: str
    """MAC of the last event that was moved, in hex: the chain goes on from it."""
    events: int
    archive: str
    """Name of the file."""

    def to_json(self) -> JsonObject:
        return asdict(self)


class Archives:
    """The archive files of one journal: `events-FIRST-LAST.jsonl.gz`, oldest first."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def move_out(
        self, connection: Connection, *, before_id: int | None, before_time: float | None
    ) -> Pruned | None:
        """Write the oldest settled rows to a file, whole and synced. Deleting is the caller's."""
        if self.folder is None:
            raise ConfigurationInvalid(
                "no folder is set for archives of a journal on a database server",
                hint="give the journal an archives folder",
            )
        base = connection.execute(select(log_head.c.base_id)).scalar_one()
        cut = _cut(connection, before_id=before_id, before_time=before_time)
        if cut <= base:
            return None
        self._drop_orphans(self.folder, base)
        name = f"events-{base:012d}-{cut - 1:012d}.jsonl.gz"
        query = select(events).where(events.c.id < cut).order_by(events.c.id)
        rows = [Row._make(row) for row in connection.execute(query)]
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_whole(self.folder / name, lambda file: write_rows(file, rows))
        except OSError as error:
            raise OutOfResources(
                f"the archive {self.folder / name} cannot be written: {error.strerror}",
                hint="free some space, then try again; nothing was moved",
            ) from error
        return Pruned(first_kept=cut, prev=rows[-1].mac.hex(), events=len(rows), archive=name)

    def rows(self, *, after: int = 0, before: int) -> Iterator[Row]:
        """The archived rows with ids between `after` and `before`, in order.

        Raises JournalBroken when a file of them is missing or damaged.
        """
        expected = 1
        for path, first, last in self._files():
            if last >= before:
                break
            if first != expected:
                break
            expected = last + 1
            if last > after:
                yield from (row for row in read_rows(path) if row.id > after)
        if expected < before:
            raise JournalBroken(
                f"the archive that starts with event {expected} is missing in {self.folder}",
                hint="put the file back where `archive` left it",
            )

    def _files(self) -> list[tuple[Path, int, int]]:
        if self.folder is None or not self.folder.is_dir():
            return []
        found = []
        for path in sorted(self.folder.glob("events-*-*.jsonl.gz")):
            first, last = path.name.removesuffix(".jsonl.gz").split("-")[1:3]
            found.append((path, int(first), int(last)))
        return found

    def _drop_orphans(self, folder: Path, base: int) -> None:
        # A crash between writing an archive and deleting its rows leaves a file for rows that are
        # still in the database.
        for path, _, last in self._files():
            if last >= base:
                path.unlink()


def default_folder(database: Path | None) -> Path | None:
    """Where the archives of a database file go: a folder beside it."""
    return database.with_name(f"{database.stem}-archive") if database else None


def write_rows(file: IO[bytes], rows: Iterable[Row]) -> int:
    """Write rows as compressed JSON lines; how many there were."""
    count = 0
    with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as out:
        for count, row in enumerate(rows, 1):  # noqa: B007
            line = [*row[:-2], row.prev.hex(), row.mac.hex()]
            out.write(json.dumps(line).encode() + b"\n")
    return count


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of one file. JournalBroken when it is not what was written."""
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                *fields, prev, mac = json.loads(line)
                yield Row._make([*fields, bytes.fromhex(prev), bytes.fromhex(mac)])
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise JournalBroken(
            f"the archive {path} is damaged: {error}",
            hint="put a good copy of the file back",
        ) from error


def _cut(connection: Connection, *, before_id: int | None, before_time: float | None) -> int:
    """The first id to keep."""
    last: int = connection.execute(select(log_head.c.last_id)).scalar_one()
    limits: list[int] = [last + 1]
    if before_id is not None:
        limits.append(before_id)
    if before_time is not None:
        young = select(func.min(events.c.id)).where(events.c.at >= round(before_time * 1e6))
        limits.append(connection.execute(young).scalar() or last + 1)
    for stream in _live_streams(connection):
        first = select(func.min(events.c.id)).where(events.c.stream == stream)
        limits.append(connection.execute(first).scalar() or last + 1)
    return min(limits)


def _live_streams(connection: Connection) -> list[str]:
    newest = (events.c.stream == streams.c.stream) & (events.c.seq == streams.c.seq)
    query = select(streams.c.stream, events.c.kind).join(events, newest)
    ends = connection.execute(query)
    return [stream for stream, kind in ends if stream != "agent" and kind not in _SETTLED]
