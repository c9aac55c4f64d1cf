"""What watches the agent, joined by wiring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..monitoring.health import Probe
from .measures import Meter
from .notify import Notifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """Everything that looks, and changes nothing."""

    meter: Meter
    notifier: Notifier
    probes: Callable[[], tuple[Probe, ...]]
    """What `doctor` looks at besides the machine and the parts: data, speed, the model."""
    ping: Callable[[], Probe]
    """Asks the language model's server about it."""
