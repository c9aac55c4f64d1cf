"""Times, amounts and counts in the few characters that a screen has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

HOUR_SECONDS = 3600
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def age(seconds: float) -> str:
    """`41 s`, `4 m`, `1 h`, `3 d`."""
    whole = max(int(seconds), 0)
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return "0 s"


def moment(at: float) -> str:
    """The time of day here; with the day when it was another one."""
    then = datetime.fromtimestamp(at).astimezone()
    today = datetime.now().astimezone().date()
    return f"{then:%H:%M:%S}" if then.date() == today else f"{then:%Y-%m-%d %H:%M}"


def dollars(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 0.1 or amount == 0 else f"${amount:.4f}"


def amount(value: float) -> str:
    """A number as short as it can be read."""
    for size, unit in ((1_000_000, "M"), (10_000, "k")):
        if value >= size:
            return f"{value / (1_000 if unit == 'k' else size):.3g}{unit}"
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def count(number: int, one: str) -> str:
    """`1 goal`, `3 goals`."""
    if number == 1:
        return f"1 {one}"
    return f"{number} {one[:-1]}ies" if one.endswith("y") else f"{number} {one}s"


def listed(words: Sequence[str]) -> str:
    return ", ".join(words)
