"""Whether the journal is still what was written, looked at again and again while it is in use."""

from __future__ import annotations

import time
from contextlib import suppress

from ..domain.errors import AutoclaveError
from ..domain.events import EventKind, NewEvent
from ..domain.ports import Clock
from .incidents import AUDIT_GAP
from .journal import SqlJournal
from .journal_verify import Known, Verification

_WHOLE_SECONDS = 86_400.0


class ChainWatch:
    """Callable as `Parts.audit_gap`: what is wrong with the journal, empty when nothing is.

    The first look is at all of it, and so is one a day; the others are at what has come since.
    """

    def __init__(self, journal: SqlJournal, *, clock: Clock = time.monotonic) -> None:
        self._journal = journal
        self._clock = clock
        self._good: Known | None = None
        self._whole_at = 0.0
        self._said = ""

    def __call__(self) -> str:
        """Blocks while it reads. Raises what keeps it from reading at all."""
        now = self._clock()
        is_whole = self._good is None or now - self._whole_at >= _WHOLE_SECONDS
        seen = self._journal.verify(since=None if is_whole else self._good)
        if not seen.ok:
            self._good = None
            self._record(seen)
            return seen.reason
        self._whole_at = now if is_whole else self._whole_at
        self._good = seen.newest
        self._said = ""
        return ""

    def _record(self, seen: Verification) -> None:
        """Once for each finding; a journal that takes no more events does not hide it."""
        if seen.reason == self._said:
            return
        self._said = seen.reason
        payload = {"kind": AUDIT_GAP, "first_bad": seen.first_bad, "reason": seen.reason}
        incident = NewEvent(kind=EventKind.INCIDENT_RECORDED, payload=payload)
        with suppress(AutoclaveError):
            self._journal.post("agent", [incident], actor="kernel")
