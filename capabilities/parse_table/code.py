"""Reads separated text as a table."""

from __future__ import annotations

import csv
import io
from typing import Any

DELIMITERS = (",", ";", "\t", "|")
MOST_ROWS = 200_000
_SAMPLE = 64 << 10


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Columns and rows of text. Short rows are filled up; a row that is too long is an error."""
    text = inputs["text"].lstrip("\ufeff")
    delimiter = inputs.get("delimiter") or find_delimiter(text)
    lines = read_rows(text, delimiter)
    if not lines:
        raise ValueError("the text holds no table: it is empty")
    header = inputs.get("header", True)
    width = len(lines[0][1]) if header else max(len(row) for _, row in lines)
    columns = name_columns(lines[0][1] if header else [""] * width)
    rows = [_fit(row, width, line=line) for line, row in (lines[1:] if header else lines)]
    table = {"columns": columns, "rows": rows}
    return {"table": table, "row_count": len(rows), "delimiter": delimiter}


def find_delimiter(text: str) -> str:
    """The delimiter that splits every line of the beginning into equally many fields, most first.

    When none does, the guess of `csv.Sniffer`; when that has none either, a comma.
    """
    sample = _whole_lines(text[:_SAMPLE])
    scores = {delimiter: _width(sample, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: scores[delimiter])
    if scores[best] > 1:
        return best
    try:
        # Its search for quoted fields is slow on long texts, so it gets a short one.
        return csv.Sniffer().sniff(sample[:2_000], delimiters="".join(DELIMITERS)).delimiter
    except csv.Error:
        return ","


def read_rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Every row that is not empty, with the number of the line on which it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if any(field.strip() for field in row):
                rows.append((reader.line_num, row))
            if len(rows) > MOST_ROWS:
                raise ValueError(f"the table has more than {MOST_ROWS:,} rows")
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    return rows


def name_columns(header: list[str]) -> list[str]:
    """The header's names, each once; those without a name get their number."""
    names: list[str] = []
    for number, field in enumerate(header, start=1):
        wanted = name = field.strip() or f"column_{number}"
        count = 1
        while name in names:
            count += 1
            name = f"{wanted}_{count}"
        names.append(name)
    return names


def _whole_lines(sample: str) -> str:
    return sample[: sample.rfind("\n") + 1] if len(sample) == _SAMPLE else sample


def _width(sample: str, delimiter: str) -> int:
    """How many fields every row has; 0 when they differ."""
    try:
        widths = {len(row) for _, row in read_rows(sample, delimiter)}
    except ValueError:
        return 0
    return widths.pop() if len(widths) == 1 else 0


def _fit(row: list[str], width: int, *, line: int) -> list[str]:
    if len(row) > width:
        raise ValueError(f"line {line} has {len(row)} fields, but there are {width} columns")
    return [field.strip() for field in row] + [""] * (width - len(row))
