"""Adding up."""

from __future__ import annotations

import asyncio
from typing import Any

from total_column.code import amount, execute


def test_the_last_column_is_added_up(context: Any) -> None:
    """Whatever stands before it."""
    table = {"columns": ["what", "n"], "rows": [["a", "1"], ["b", "2"]]}

    assert asyncio.run(execute(context, {"table": table}))["text"] == "3.00\n"


def test_a_cell_is_a_number() -> None:
    """With or without a point."""
    assert amount("2.5") == 2.5
