"""The prompt cache: what of a request was sent before, what is kept of it, and why it missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.servers.prompt import Piece, Prompt

_SECONDS = {"5m": 300.0, "1h": 3600.0}
_LOOKBACK_BLOCKS = 20
DEFAULT_MINIMUM = 1024


@dataclass(frozen=True, kw_only=True)
class CacheUse:
    """How the input of one request is billed; the three sums make the whole prompt."""

    read: int
    written_5m: int
    written_1h: int
    plain: int

    @property
    def written(self) -> int:
        return self.written_5m + self.written_1h


@dataclass(frozen=True, kw_only=True)
class _Entry:
    good_from: float
    good_until: float
    seconds: float


class PromptCache:
    """Entries by the digest of their prefix; a read keeps one alive for its time again."""

    def __init__(self, clock: Callable[[], float], *, minimum: int = DEFAULT_MINIMUM) -> None:
        self._clock = clock
        self._minimum = minimum
        self._entries: dict[str, _Entry] = {}
        self._prompts: dict[str, Prompt] = {}

    def use(self, prompt: Prompt, *, answered_in_seconds: float = 0.0) -> CacheUse:
        """Reads the longest known prefix, and keeps what the breakpoints ask for.

        An entry can be read once the answer that made it has begun, not while it is awaited.
        """
        wanted = [piece for piece in prompt.breakpoints if piece.end >= self._minimum]
        read = self._longest_known(prompt, wanted)
        written = {"5m": 0, "1h": 0}
        done = read
        for piece in wanted:
            ttl = piece.ttl or "5m"
            if piece.end > done:
                written[ttl] += piece.end - done
                done = piece.end
            self._keep(piece, ttl, answered_in_seconds)
        return CacheUse(
            read=read,
            written_5m=written["5m"],
            written_1h=written["1h"],
            plain=prompt.size - done,
        )

    def remember(self, message_id: str, prompt: Prompt) -> None:
        """Under the id of its answer, so that a later request can ask why it missed."""
        self._prompts[message_id] = prompt

    def why_missed(self, previous_id: str, prompt: Prompt, used: CacheUse) -> dict[str, Any] | None:
        """The first thing that differs from the request before; nothing if it only grew."""
        before = self._prompts.get(previous_id)
        if before is None:
            return {"type": "previous_message_not_found"}
        kind = _difference(before, prompt)
        if kind is None:
            return None
        if kind == "unavailable":
            return {"type": kind}
        had = max((p.end for p in before.breakpoints if p.end >= self._minimum), default=0)
        return {"type": kind, "cache_missed_input_tokens": max(had - used.read, 0)}

    def _longest_known(self, prompt: Prompt, wanted: list[Piece]) -> int:
        now = self._clock()
        for marked in reversed(wanted):
            place = prompt.pieces.index(marked)
            for piece in reversed(prompt.pieces[max(place - _LOOKBACK_BLOCKS, 0) : place + 1]):
                entry = self._entries.get(piece.prefix)
                if entry is not None and entry.good_from <= now < entry.good_until:
                    self._entries[piece.prefix] = replace(entry, good_until=now + entry.seconds)
                    return piece.end
        return 0

    def _keep(self, piece: Piece, ttl: str, answered_in_seconds: float) -> None:
        now = self._clock()
        entry = self._entries.get(piece.prefix)
        if entry is None or entry.good_until <= now:
            entry = _Entry(good_from=now + answered_in_seconds, good_until=now, seconds=0.0)
        seconds = max(_SECONDS[ttl], entry.seconds)
        self._entries[piece.prefix] = replace(entry, good_until=now + seconds, seconds=seconds)


def _difference(before: Prompt, now: Prompt) -> str | None:
    for name in ("model", "system", "tools"):
        if getattr(before, name) != getattr(now, name):
            return f"{name}_changed"
    if before.messages != now.messages[: len(before.messages)]:
        return "messages_changed"
    return None if before.settings == now.settings else "unavailable"
