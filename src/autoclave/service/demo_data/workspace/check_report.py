"""Checks that a report states the right 90th percentile for every numeric column of a table."""

import csv
import re
import sys


def main(table: str, report: str) -> int:
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(report, encoding="utf-8") as file:
        said = {cells[0]: cells for cells in map(split, file) if len(cells) >= 6}
    for column in rows[0]:
        values = [float(row[column]) for row in rows if re.fullmatch(r"[\d.]+", row[column] or "")]
        if values and not is_nearest_rank(values, 0.9, float(said[column][4])):
            print(f"{report}: the 90th percentile of {column} is not {said[column][4]}")
            return 1
    return 0


def split(line: str) -> list[str]:
    return [cell.strip().replace("\\", "") for cell in line.strip().strip("|").split("|")]


def is_nearest_rank(values: list[float], share: float, found: float) -> bool:
    """The smallest value that at least `share` of all values do not exceed."""
    at_most = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    return found in values and at_most >= share * len(values) > below


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
