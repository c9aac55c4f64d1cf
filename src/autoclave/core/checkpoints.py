"""Snapshots of everything that the agent is: its journal, its mind, its capabilities."""

from __future__ import annotations

import hmac
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL

from ..domain.approval import Approval
from ..domain.canonical import JsonObject, canonical, digest
from ..domain.errors import AutoclaveError, InvalidInput, JournalBroken, NotFound, OutOfResources
from ..domain.events import Event, EventKind, NewEvent
from ..domain.ports import Clock, Journal
from .anchor import Anchor
from .archive import default_folder
from .chain import mac_of_note
from .checkpoint_database import copy_in, copy_out, events_in, facts_of
from .checkpoint_trees import copy_tree, put_in_place, sync_folders, tree_digest
from .durable import replace_whole, sync_folder
from .home_lock import HomeLock
from .journal_engine import sqlite_path, sqlite_url
from .journal_verify import verify_journal
from .vault import Conceal, keep_as_is

_INFO = "checkpoint.json"
_KEEP_LAST = 10
_DAY_SECONDS = 86_400
_DAILY = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One snapshot, as its `checkpoint.json` describes it."""

    id: str
    note: str
    made_at: float
    schema_version: int
    last_id: int
    """Id of the newest event in it."""
    last_mac: str
    digests: dict[str, str]
    """By part (`journal`, `archive`, `body/mind` …): the digest of its tree."""

    def to_json(self) -> JsonObject:
        return asdict(self)

    @property
    def digest(self) -> str:
        """Names every byte in it."""
        return digest(self.to_json())


class Checkpoints:
    """The snapshots in one folder, each whole or not there."""

    def __init__(
        self,
        folder: Path,
        *,
        url: str | URL,
        key: bytes,
        anchor: Path,
        lock: Path,
        bodies: Mapping[str, Path] | None = None,
        archives: Path | None = None,
        clock: Clock = time.time,
        conceal: Conceal = keep_as_is,
    ) -> None:
        self._folder = folder
        self._url = url
        self._key = key
        self._anchor = anchor
        self._lock = lock
        self._bodies = dict(bodies or {})
        self._archives = archives or default_folder(sqlite_path(url))
        self._clock = clock
        self._conceal = conceal

    def create(self, note: str, *, journal: Journal) -> Checkpoint:
        """Take a snapshot while the agent works, record it, thin out old ones."""
        made = self._create(self._conceal("agent", note))
        payload = {"checkpoint": made.id, "note": made.note, "last_id": made.last_id}
        event = NewEvent(kind=EventKind.CHECKPOINT_MADE, payload=payload)
        journal.post("agent", [event], actor="kernel")
        self.thin()
        return made

    def list(self) -> list[Checkpoint]:
        """Every snapshot that can be read, newest first."""
        found = []
        for info in self._folder.glob(f"C-*/{_INFO}"):
            try:
                found.append(self._read(info.parent.name))
            except JournalBroken:
                continue  # `verify` says what is wrong with it
        return sorted(found, key=lambda each: (each.made_at, each.id), reverse=True)

    def verify(self, checkpoint_id: str) -> Checkpoint:
        """Check every byte and the whole chain in it. Raises NotFound, JournalBroken."""
        info = self._read(checkpoint_id)
        folder = self._folder / checkpoint_id
        for part, written in info.digests.items():
            if tree_digest(folder / part) != written:
                raise JournalBroken(
                    f"the checkpoint {checkpoint_id} was changed: {part} is not what was written",
                    hint="restore another one: `autoclave checkpoint list`",
                )
        url = sqlite_url(folder / "journal" / "journal.db")
        checked = verify_journal(url, self._key, archives=folder / "archive", frozen=True)
        if not checked.ok:
            raise JournalBroken(
                f"the journal in checkpoint {checkpoint_id} does not verify: {checked.reason}",
                hint="restore another one: `autoclave checkpoint list`",
            )
        return info

    def events(self, checkpoint_id: str, stream: str) -> tuple[Event, ...]:
        """One stream as the snapshot has it. Raises NotFound, JournalBroken."""
        folder = self._folder / self._read(checkpoint_id).id
        copy = folder / "journal" / "journal.db"
        found = events_in(copy, stream, key=self._key, archives=folder / "archive")
        return tuple(found)

    def alone(self) -> HomeLock:
        """Held while the home goes back. Raises Busy while an agent runs on it."""
        return HomeLock(self._lock)

    def restore(self, checkpoint_id: str, *, by: str = "kernel") -> Checkpoint:
        """Go back to a snapshot; what is there now becomes a checkpoint first.

        That the log moved back is an event in it. Raises Busy while an agent runs on the home,
        NotFound, JournalBroken when the snapshot is not whole: nothing is touched then.
        """
        with self.alone():
            return self.put_back(checkpoint_id, by=by)

    def put_back(
        self, checkpoint_id: str, *, by: str, approvals: Sequence[Approval] = ()
    ) -> Checkpoint:
        """The same, for whoever is `alone` already; with the yeses that allowed it."""
        info = self.verify(checkpoint_id)
        anchor = Anchor(self._anchor, self._key)
        payload: JsonObject = {
            "checkpoint": info.id,
            "note": info.note,
            "by": by,
            "approvals": [each.to_json() for each in approvals],
            "at": self._clock(),
            "restored": {"id": info.last_id, "mac": info.last_mac},
            "lost": _known_head(anchor),
            "set_aside": self._set_aside(info),
        }
        folder = self._folder / info.id
        copy = folder / "journal" / "journal.db"
        if self._archives is not None and "archive" in info.digests:
            put_in_place(folder / "archive", self._archives)
        copy_in(copy, self._url, key=self._key, anchor=anchor, payload=payload)
        for name, tree in self._bodies.items():
            if f"body/{name}" in info.digests:
                put_in_place(folder / "body" / name, tree)
        return info

    def thin(self) -> tuple[str, ...]:
        """Remove the snapshots that `to_keep` does not name; their ids."""
        found = self.list()
        kept = to_keep([each.made_at for each in found], now=self._clock())
        gone = tuple(each.id for each in found if each.made_at not in kept)
        for checkpoint_id in gone:
            shutil.rmtree(self._folder / checkpoint_id, ignore_errors=True)
        return gone

    def _create(self, note: str) -> Checkpoint:
        made_at = self._clock()
        fresh = self._folder / f".new-{made_at:.6f}"
        try:
            fresh.mkdir(parents=True, mode=0o700)
            info = self._fill(fresh, note, made_at)
            fresh.rename(self._folder / info.id)
            sync_folder(self._folder)
        except OSError as error:
            raise OutOfResources(
                f"the checkpoint cannot be written: {error.strerror}",
                hint="free some space, or thin out old checkpoints",
            ) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return info

    def _fill(self, fresh: Path, note: str, made_at: float) -> Checkpoint:
        parts = ["journal"]
        (fresh / "journal").mkdir(mode=0o700)
        copy_out(self._url, fresh / "journal" / "journal.db")
        facts = facts_of(fresh / "journal" / "journal.db")
        trees = {f"body/{name}": tree for name, tree in self._bodies.items()}
        if self._archives is not None and self._archives.is_dir():
            trees["archive"] = self._archives
        for part, tree in trees.items():
            copy_tree(tree, fresh / part)
            parts.append(part)
        info = Checkpoint(
            id=self._free_id(made_at),
            note=note,
            made_at=made_at,
            schema_version=facts.schema_version,
            last_id=facts.last_id,
            last_mac=facts.last_mac,
            digests={part: tree_digest(fresh / part) for part in parts},
        )
        text = canonical(info.to_json())
        line = {"checkpoint": text, "mac": mac_of_note(self._key, "checkpoint", text).hex()}
        replace_whole(fresh / _INFO, lambda file: file.write(json.dumps(line).encode()))
        sync_folders(fresh)
        return info

    def _free_id(self, made_at: float) -> str:
        stem = f"C-{datetime.fromtimestamp(made_at, UTC):%Y%m%d-%H%M%S}"
        taken = {path.name for path in self._folder.glob(f"{stem}*")}
        names = [stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))]
        return next(name for name in names if name not in taken)

    def _read(self, checkpoint_id: str) -> Checkpoint:
        if "/" in checkpoint_id or not checkpoint_id.startswith("C-"):
            raise InvalidInput(f"{checkpoint_id!r} is no checkpoint id, such as C-20260131-120000")
        path = self._folder / checkpoint_id / _INFO
        try:
            line = json.loads(path.read_bytes())
            text, mac = line["checkpoint"], bytes.fromhex(line["mac"])
            if hmac.compare_digest(mac_of_note(self._key, "checkpoint", text), mac):
                return Checkpoint(**json.loads(text))
        except FileNotFoundError:
            raise NotFound(
                f"there is no checkpoint {checkpoint_id}", hint="`autoclave checkpoint list`"
            ) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _untrusted(checkpoint_id) from error
        raise _untrusted(checkpoint_id)

    def _set_aside(self, info: Checkpoint) -> str:
        """Keep what is there now: as a checkpoint, or as bare files when it is damaged."""
        try:
            return self._create(f"before going back to {info.id}").id
        except NotFound:
            return ""
        except AutoclaveError as error:
            path = sqlite_path(self._url)
            if path is None or isinstance(error, OutOfResources):
                raise
            folder = self._folder / f"damaged-{self._free_id(self._clock())}"
            folder.mkdir(parents=True, mode=0o700)
            for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                if file.exists():
                    shutil.copy2(file, folder)
            sync_folders(folder)
            return folder.name


def to_keep(made_at: Sequence[float], *, now: float) -> frozenset[float]:
    """The times to keep: the last ten, then one a day for two weeks, then one a week."""
    newest_first = sorted(made_at, reverse=True)
    kept = dict.fromkeys(newest_first[:_KEEP_LAST])
    slots: dict[tuple[str, int], float] = {}
    for at in newest_first[_KEEP_LAST:]:
        daily = now - at < _DAILY * _DAY_SECONDS
        slot = ("day", int(at // _DAY_SECONDS)) if daily else ("week", int(at // _DAY_SECONDS // 7))
        slots.setdefault(slot, at)
    return frozenset([*kept, *slots.values()])


def _known_head(anchor: Anchor) -> JsonObject:
    try:
        anchored = anchor.read()
    except JournalBroken:
        anchored = None
    return {"id": anchored.id, "mac": anchored.mac.hex()} if anchored else {"id": 0, "mac": ""}


def _untrusted(checkpoint_id: str) -> JournalBroken:
    return JournalBroken(
        f"the description of checkpoint {checkpoint_id} was changed or is of another key",
        hint="restore another one: `autoclave checkpoint list`",
    )
