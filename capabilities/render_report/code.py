"""Writes values as a Markdown report."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from .markdown import bullets, code, plain, plural, table


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """A title, the introduction and the value, laid out by its form."""
    parts = [f"# {plain(inputs.get('title', 'Report'))}"]
    parts += [plain(inputs["introduction"])] if inputs.get("introduction") else []
    parts += lay_out(inputs["value"], most=inputs.get("most", 500))
    return {"text": "\n\n".join(part for part in parts if part) + "\n"}


def lay_out(value: Any, *, most: int) -> list[str]:
    """The paragraphs for one value."""
    if isinstance(value, dict) and {"columns", "rows"} <= value.keys():
        return _table(value, most=most)
    if isinstance(value, dict) and "modules" in value:
        return _outline(value, most=most)
    if _is_list_of(value, {"path", "line", "text"}):
        return _matches(value, most=most)
    if _is_list_of(value, {"path", "bytes"}):
        return _files(value, most=most)
    if isinstance(value, str):
        return [plain(value)]
    if isinstance(value, dict | list):
        return [bullets(value, most=most) or "Nothing."]
    raise TypeError(f"a {type(value).__name__} can't be reported")


def _is_list_of(value: Any, keys: set[str]) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and keys <= item.keys() for item in value)
    )


def _table(value: dict[str, Any], *, most: int) -> list[str]:
    columns, rows = value["columns"], value["rows"]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise ValueError(f"row {number} has {len(row)} fields for {len(columns)} columns")
    if not columns:
        return ["An empty table."]
    return [table(columns, rows[:most]), f"{plural(len(rows), 'row')}{_more(rows, most)}."]


def _matches(value: list[dict[str, Any]], *, most: int) -> list[str]:
    parts = []
    for path, group in groupby(value[:most], key=lambda match: match["path"]):
        lines = [f"- line {match['line']}: {code(match['text'].strip())}" for match in group]
        parts += [f"## {plain(path)}", "\n".join(lines)]
    files = plural(len({match["path"] for match in value}), "file")
    found = plural(len(value), "match", "matches")
    return [*parts, f"{found} in {files}{_more(value, most)}."]


def _files(value: list[dict[str, Any]], *, most: int) -> list[str]:
    rows = [[file["path"], str(file["bytes"])] for file in value]
    return [
        table(["path", "bytes"], rows[:most]),
        f"{plural(len(rows), 'file')}{_more(rows, most)}.",
    ]


def _outline(value: dict[str, Any], *, most: int) -> list[str]:
    modules = value["modules"]
    parts = [_line("Packages", value.get("packages", []))]
    for module in modules[:most]:
        parts += [f"## {plain(module['path'])}", plain(module.get("summary", "")), _module(module)]
    tests = [[file["path"], str(len(file["names"]))] for file in value.get("tests", [])]
    starts = [[point["name"], point["target"]] for point in value.get("entry_points", [])]
    errors = [
        [f"{error['path']}:{error['line']}", error["message"]]
        for error in value.get("syntax_errors", [])
    ]
    parts += _section("Tests", ["file", "tests"], tests)
    parts += _section("Entry points", ["name", "starts"], starts)
    parts += _section("Syntax errors", ["place", "message"], errors)
    return [*parts, f"{plural(len(modules), 'module')}{_more(modules, most)}."]


def _module(module: dict[str, Any]) -> str:
    lines = [f"- {code(function['signature'])}" for function in module.get("functions", [])]
    for each in module.get("classes", []):
        methods = ", ".join(code(name) for name in each["methods"])
        lines.append(f"- class {code(each['name'])}" + (f": {methods}" if methods else ""))
    return "\n".join(lines)


def _section(title: str, columns: list[str], rows: list[list[str]]) -> list[str]:
    return [f"## {title}", table(columns, rows)] if rows else []


def _line(title: str, names: list[str]) -> str:
    return f"{title}: {', '.join(code(name) for name in names)}" if names else ""


def _more(items: list[Any], most: int) -> str:
    return f", the first {most:,} shown" if len(items) > most else ""
