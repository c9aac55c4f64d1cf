"""What a long-lived process keeps an eye on: the rule file, the body, the machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from ..governance.gate import PolicyGate
from ..governance.policy import Band
from ..governance.resource_monitor import Meter, ResourceWatch
from .body import Body

_LOOK_EVERY_SECONDS = 5.0


class Refresh:
    """Takes note of what people and other processes changed: rules and capabilities."""

    def __init__(self, body: Body, gate: PolicyGate, rules: Path) -> None:
        self._body = body
        self._gate = gate
        self._rules = rules
        self._stamp = _stamp(rules)

    async def __call__(self) -> None:
        """A broken rule file leaves the last good rules and puts the gate in safe mode."""
        stamp = _stamp(self._rules)
        if stamp != self._stamp:
            self._stamp = stamp
            self._gate.reload()
        await self._body.refresh()


class Shortage:
    """Whether the machine has room for more work, measured at most every five seconds."""

    def __init__(self, root: Path, limits: Mapping[str, Band]) -> None:
        self._looked_at = 0.0
        self._meter = Meter(root, clock=time.monotonic)
        self._watch = ResourceWatch(limits=limits)

    def __call__(self) -> str:
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_EVERY_SECONDS:
            self._looked_at = now
            self._watch = self._watch.update(self._meter.read())
        return self._watch.reason


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)
