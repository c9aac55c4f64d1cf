"""Tables from text: delimiters, quotes, odd headers, broken rows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from parse_table.code import execute


def parse(context: Any, text: str, **more: Any) -> dict[str, Any]:
    return asyncio.run(execute(context, {"text": text, **more}))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(context: Any, delimiter: str) -> None:
    """The one that gives every line as many fields."""
    text = (
        "\n".join(delimiter.join(row) for row in (("a", "b"), ("1.5", "x, y"), ("2", "z"))) + "\n"
    )
    if delimiter == ",":
        text = text.replace("x, y", '"x, y"')

    result = parse(context, text)

    assert result["delimiter"] == delimiter
    assert result["table"] == {"columns": ["a", "b"], "rows": [["1.5", "x, y"], ["2", "z"]]}


def test_quoted_field_may_hold_line_ends(context: Any) -> None:
    """A row can be longer than a line."""
    assert parse(context, 'a,b\n"x\ny",2\n')["table"]["rows"] == [["x\ny", "2"]]


def test_windows_line_ends_and_byte_order_mark(context: Any) -> None:
    """Text as spreadsheets write it."""
    assert parse(context, "\ufeffa;b\r\n1;2\r\n")["table"] == {
        "columns": ["a", "b"],
        "rows": [["1", "2"]],
    }


def test_columns_get_distinct_names(context: Any) -> None:
    """Twins are numbered and the nameless are named."""
    assert parse(context, "a,a,,a_2\n1,2,3,4\n")["table"]["columns"] == [
        "a",
        "a_2",
        "column_3",
        "a_2_2",
    ]


def test_one_column_is_a_table(context: Any) -> None:
    """A list of lines has one column."""
    assert parse(context, "name\nAda\nGrace\n")["row_count"] == 2


def test_short_row_is_filled_up(context: Any) -> None:
    """Trailing empty fields are often left out."""
    assert parse(context, "a,b,c\n1,2\n")["table"]["rows"] == [["1", "2", ""]]


def test_long_row_is_an_error(context: Any) -> None:
    """Fields without a column would be lost, so the line is named."""
    with pytest.raises(ValueError, match="line 3 has 3 fields, but there are 2 columns"):
        parse(context, "a,b\n1,2\n1,2,3\n")


def test_open_quote_is_an_error(context: Any) -> None:
    """Half a table is no table."""
    with pytest.raises(ValueError, match="line 2"):
        parse(context, 'a,b\n"1,2\n', delimiter=",")


def test_blank_text_is_an_error(context: Any) -> None:
    """Nothing can be read from nothing."""
    with pytest.raises(ValueError, match="no table"):
        parse(context, "\n \n")
