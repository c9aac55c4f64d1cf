"""Checks and the report that they add up to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeAlias

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError


class Health(StrEnum):
    """What a check found."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of `autoclave doctor`."""

    name: str
    verdict: Health
    detail: str
    fix: str = ""
    """What a person can do about it; empty when all is well."""

    def to_json(self) -> JsonObject:
        return {**asdict(self), "verdict": str(self.verdict)}


Look: TypeAlias = Callable[[], Check | Awaitable[Check]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A check that was not made yet."""

    name: str
    look: Look


@dataclass(frozen=True, slots=True)
class HealthReport:
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """No check failed. Warnings and what could not be checked do not make it ill."""
        return all(check.verdict is not Health.FAIL for check in self.checks)

    def to_json(self) -> JsonObject:
        return {"ok": self.ok, "checks": [check.to_json() for check in self.checks]}


async def check_health(probes: Sequence[Probe], *, timeout_seconds: float = 20.0) -> HealthReport:
    """Look at everything, one after the other; no probe can keep the others from being made."""
    return HealthReport(tuple([await _look(probe, timeout_seconds) for probe in probes]))


async def _look(probe: Probe, timeout_seconds: float) -> Check:
    try:
        found = probe.look()
        if isinstance(found, Check):
            return found
        async with asyncio.timeout(timeout_seconds):
            return await found
    except TimeoutError:
        return Check(
            name=probe.name,
            verdict=Health.NOT_CHECKED,
            detail=f"no answer within {timeout_seconds:g} s",
            fix="try again when the machine is less busy",
        )
    except AutoclaveError as error:
        return Check(name=probe.name, verdict=Health.FAIL, detail=error.message, fix=error.hint)
    except OSError as error:
        return Check(name=probe.name, verdict=Health.FAIL, detail=f"{error}")
