"""Tests of describe_table, as its author left them."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
code = importlib.import_module("describe_table.code")


def describe(columns: list[str], rows: list[list[str]]) -> list[list[str]]:
    """The rows of statistics for a table."""
    inputs = {"table": {"columns": columns, "rows": rows}}
    return asyncio.run(code.execute(None, inputs))["table"]["rows"]


def test_counts_and_means() -> None:
    """Count and mean are over the cells that hold a number."""
    rows = [[str(n)] for n in range(1, 21)] + [[""]]

    (row,) = describe(["n"], rows)

    assert row[1:3] == ["20", "10.5"]


def test_median_of_an_even_number_of_values() -> None:
    """The median is the mean of the two middle values."""
    assert code.median([1.0, 2.0, 4.0, 8.0]) == 3.0


def test_percentile_lies_near_its_share() -> None:
    """The 90th percentile of 0 to 100 is about 90."""
    assert 85 <= code.percentile([float(n) for n in range(101)], 0.9) <= 95


def test_text_columns_are_left_out() -> None:
    """A column with words in it is not described."""
    assert describe(["name"], [["ada"], ["grace"]]) == []
