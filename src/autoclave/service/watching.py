"""What a long-lived process keeps an eye on: the rule file, the body, the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ..domain.ports import Clock
from ..governance.gate import PolicyGate
from ..governance.policy import Band
from ..governance.resource_monitor import Level, Meter, ResourceWatch, Sample
from .body import Body

_LOOK_EVERY_SECONDS = 1.0
_FIRST_LOOK_SECONDS = 2.0


class Refresh:
    """Takes note of what people and other processes changed: rules, mind and capabilities."""

    def __init__(
        self, body: Body, gate: PolicyGate, rules: Path, *, reload_mind: Callable[[], None]
    ) -> None:
        self._body = body
        self._reload_mind = reload_mind
        self._gate = gate
        self._rules = rules
        self._stamp = _stamp(rules)

    async def __call__(self) -> None:
        """A broken rule file leaves the last good rules and puts the gate in safe mode."""
        stamp = _stamp(self._rules)
        if stamp != self._stamp:
            self._stamp = stamp
            self._gate.reload()
        self._reload_mind()
        await self._body.refresh()


class Machine:
    """Whether the machine has room for more work, measured once a second in a thread."""

    def __init__(
        self,
        limits: Callable[[], Mapping[str, Band]],
        read: Callable[[], Sample],
        *,
        clock: Clock = time.monotonic,
    ) -> None:
        self._limits = limits
        self._read = read
        self._clock = clock
        self._looked_at: float | None = None
        self._reading: asyncio.Task[Sample] | None = None
        self._watch = ResourceWatch(limits=limits())

    async def look(self) -> None:
        """Take in the last measurement and begin another one when it is time.

        Only the very first is waited for: a disk that does not answer must not stop the loop.
        """
        now = self._clock()
        is_first = self._looked_at is None
        if self._reading is None and (
            is_first or now - (self._looked_at or 0.0) >= _LOOK_EVERY_SECONDS
        ):
            self._looked_at = now
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))
            if is_first:
                await self.measured()
        if self._reading is not None and self._reading.done():
            done, self._reading = self._reading, None
            # The limits are looked up each time: the rules may be read again meanwhile.
            watch = ResourceWatch(limits=self._limits()) if self._is_changed() else self._watch
            self._watch = watch.update(done.result())

    async def measured(self) -> None:
        """Wait a little for the measurement that is under way; the next look takes it in."""
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=_FIRST_LOOK_SECONDS)

    def shortage(self) -> str:
        """Why no more work should be taken on; empty when all is well."""
        return self._watch.reason

    def overload(self) -> str:
        """Why what runs has to be set aside; empty when all is well."""
        return self._watch.reason if self._watch.level is Level.HARD else ""

    def _is_changed(self) -> bool:
        return self._watch.limits != self._limits()


def machine_of(root: Path, limits: Callable[[], Mapping[str, Band]]) -> Machine:
    """The one that this process runs on."""
    return Machine(limits, Meter(root, clock=time.monotonic).read)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)
