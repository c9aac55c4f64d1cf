"""Describes the numeric columns of a table."""

from __future__ import annotations

import math
from typing import Any

HEADER = ["column", "count", "mean", "median", "p90", "max"]


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """One row of statistics for each column that holds numbers; empty cells are left out."""
    table = inputs["table"]
    described = []
    for index, name in enumerate(table["columns"]):
        values = numbers(row[index] for row in table["rows"] if index < len(row))
        if values:
            described.append([name, *map(text, statistics_of(values))])
    return {"table": {"columns": HEADER, "rows": described}, "described": len(described)}


def statistics_of(values: list[float]) -> list[float]:
    """Count, mean, median, 90th percentile and maximum."""
    ordered = sorted(values)
    mean = sum(ordered) / len(ordered)
    return [len(ordered), mean, median(ordered), percentile(ordered, 0.9), ordered[-1]]


def median(ordered: list[float]) -> float:
    """The middle value, or the mean of the two middle ones."""
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
    rank = math.ceil(share * len(ordered))
    return ordered[rank]


def numbers(cells: Any) -> list[float]:
    """The cells that are numbers; an empty list if any other cell holds text."""
    found = []
    for cell in cells:
        stripped = str(cell).strip()
        if not stripped:
            continue
        try:
            found.append(float(stripped))
        except ValueError:
            return []
    return found


def text(value: float) -> str:
    """A number without needless digits."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
