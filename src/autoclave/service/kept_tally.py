"""The tally between two processes: a cache beside the home's keys, never the truth."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ..domain.canonical import digest
from ..domain.ports import Journal
from ..monitoring.definitions import METRICS
from ..monitoring.tally_state import Tally

_VERSION = 1
_EVERY_SECONDS = 60.0
_EVERY_EVENTS = 1_000


class KeptTally:
    """Loads and keeps one; what does not fit the journal or the table is counted anew."""

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path = path
        self._journal = journal
        self._kept_at = 0.0
        self._kept_id = 0

    def load(self) -> Tally:
        try:
            kept = json.loads(self._path.read_bytes())
            if kept["table"] != _table():
                return Tally()
            tally = Tally.from_json(kept["tally"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Tally()
        if not self._fits(tally):
            return Tally()
        self._kept_id, self._kept_at = tally.last_id, time.monotonic()
        return tally

    def keep(self, tally: Tally) -> None:
        """Write it down when there is enough news."""
        news = tally.last_id - self._kept_id
        is_time = time.monotonic() - self._kept_at >= _EVERY_SECONDS
        if not (news >= _EVERY_EVENTS or (news and is_time)):
            return
        text = json.dumps({"table": _table(), "tally": tally.to_json()})
        aside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):  # a cache: without it the next process reads more
            aside.touch(mode=0o600)
            aside.write_text(text, encoding="utf-8")
            aside.replace(self._path)
        self._kept_id, self._kept_at = tally.last_id, time.monotonic()

    def _fits(self, tally: Tally) -> bool:
        """Whether the journal still holds the event that was counted last.

        After going back to a checkpoint it may be shorter, or go on with other events.
        """
        if tally.last_id > self._journal.last_id():
            return False
        found = self._journal.read_all(after=tally.last_id - 1, limit=1)
        return bool(found) and found[0].id == tally.last_id and found[0].at == tally.last_at


def _table() -> str:
    """Counts that were made for another table can't be taken over."""
    return digest([_VERSION, [asdict(metric) for metric in METRICS]])
