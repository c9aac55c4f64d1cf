"""What was read last, how old it is, and what keeps the dashboard from reading more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, Transient

STALE_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Folded from one look after the other."""

    report: JsonObject | None = None
    read_at: float = 0.0
    failure: str = ""
    hint: str = ""
    failed_since: float = 0.0
    tries: int = 0
    """Failed looks in a row."""
    is_broken: bool = False
    """It is not going to mend itself: a person has to."""

    def read(self, report: JsonObject, *, now: float) -> Self:
        if self._is_gone(report):
            why = f"the database of {report['home']} is gone"
            return self._failed(why, "put it back: autoclave checkpoint list", now, broken=True)
        return type(self)(report=report, read_at=now)

    def failed(self, error: AutoclaveError, *, now: float) -> Self:
        broken = not isinstance(error, Transient)
        return self._failed(error.message, error.hint, now, broken=broken)

    def is_live(self, now: float) -> bool:
        """Whether what is shown is how it is; only then may anything be decided."""
        return self.report is not None and not self.failure and self.age(now) < STALE_SECONDS

    def age(self, now: float) -> float:
        return max(now - self.read_at, 0.0)

    @property
    def wait_seconds(self) -> float:
        """How long to wait before the next look: longer with every failure."""
        return min(2.0 ** max(self.tries - 1, 0), _LONGEST_WAIT_SECONDS)

    def _is_gone(self, report: JsonObject) -> bool:
        had = self.report is not None and self.report.get("has_database", True)
        return bool(had) and not report.get("has_database", True)

    def _failed(self, why: str, hint: str, now: float, *, broken: bool) -> Self:
        return replace(
            self,
            failure=why,
            hint=hint,
            failed_since=self.failed_since or now,
            tries=self.tries + 1,
            is_broken=broken,
        )
