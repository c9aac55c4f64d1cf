"""A terminal that goes away takes the dashboard with it."""

from __future__ import annotations

import os
import signal
import sys


class Hangup:
    """Notices a terminal that was there at the start and is not any more.

    Whoever leads a session is told by a signal; anyone else would read from a dead terminal over
    and over.
    """

    def __init__(self) -> None:
        self._was_there = _is_there()

    def follow(self) -> None:
        """End as the signal would have it; whatever was decided is in the journal already."""
        if self._was_there and not _is_there():
            os.kill(os.getpid(), signal.SIGHUP)


def _is_there() -> bool:
    stream = sys.__stdin__
    return stream is not None and not stream.closed and os.isatty(stream.fileno())
