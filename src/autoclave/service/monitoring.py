"""What watches the agent, joined by wiring."""

from __future__ import annotations

from dataclasses import dataclass

from .measures import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """Everything that looks, and changes nothing."""

    meter: Meter
