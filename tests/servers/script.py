"""A script: turns used up in order, and what was asked that no turn expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.servers.matching import differences
from tests.servers.seen import Seen
from tests.servers.turns import FOREVER, AnyOrder, Item, Turn


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """A request that the script did not expect."""

    number: int
    """Of the request, as in the log."""
    reason: str


@dataclass
class Script:
    """Where a run through the turns stands."""

    items: Sequence[Item] = ()
    options: dict[str, Any] = field(default_factory=dict)
    """What a script file says beside its turns: models, limits, batches, cache."""
    mismatches: list[Mismatch] = field(default_factory=list)
    _position: int = 0
    _used: dict[str, int] = field(default_factory=dict)

    def take(self, seen: Seen) -> Turn | Mismatch:
        """The turn that answers; a turn that repeats for ever lets the next one have what it won't.

        Matching looks no further than the first item that still must be used.
        """
        reasons: list[str] = []
        for place in range(self._position, len(self.items)):
            for name, turn in self._open(place):
                problems = differences(turn.expect, seen)
                if not problems:
                    self._use(place, name)
                    return turn
                reasons.append(f"{_label(name, turn)}: {'; '.join(problems)}")
            if self._must_be_used(place):
                break
        return self.refuse(seen.number, "; ".join(reasons) or "the script has no turn left")

    def refuse(self, number: int, reason: str) -> Mismatch:
        mismatch = Mismatch(number=number, reason=reason)
        self.mismatches.append(mismatch)
        return mismatch

    def left(self) -> list[str]:
        """The turns that were never asked for."""
        return [
            _label(name, turn)
            for place in range(len(self.items))
            for name, turn in self._turns(place)
            if turn.repeat != FOREVER and self._used.get(name, 0) < turn.repeat
        ]

    def position(self) -> dict[str, Any]:
        """Enough to go on from here in another process."""
        return {"position": self._position, "used": dict(self._used)}

    def resume(self, position: dict[str, Any]) -> None:
        self._position = int(position["position"])
        self._used = dict(position["used"])

    def _turns(self, place: int) -> list[tuple[str, Turn]]:
        item = self.items[place]
        if isinstance(item, Turn):
            return [(str(place + 1), item)]
        return [(f"{place + 1}.{n}", turn) for n, turn in enumerate(item.turns, 1)]

    def _open(self, place: int) -> list[tuple[str, Turn]]:
        return [
            (name, turn)
            for name, turn in self._turns(place)
            if turn.repeat == FOREVER or self._used.get(name, 0) < turn.repeat
        ]

    def _must_be_used(self, place: int) -> bool:
        return any(turn.repeat != FOREVER for _, turn in self._open(place))

    def _use(self, place: int, name: str) -> None:
        self._position = place
        self._used[name] = self._used.get(name, 0) + 1
        if not self._open(place):
            self._position += 1


def script_of(turns: Script | Sequence[Item]) -> Script:
    return turns if isinstance(turns, Script) else Script(items=tuple(turns))


def _label(name: str, turn: Turn) -> str:
    return f"turn {name} '{turn.name}'" if turn.name else f"turn {name}"


__all__ = ["AnyOrder", "Mismatch", "Script", "Turn", "script_of"]
