"""Reports: layout by form, alignment, and text that stays text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from render_report.code import execute
from render_report.markdown import code, plain, table


def report(context: Any, value: Any, **more: Any) -> str:
    text: str = asyncio.run(execute(context, {"value": value, **more}))["text"]
    return text


def test_wide_characters_line_up(context: Any) -> None:
    """A character that takes two places counts as two."""
    assert table(["a"], [["漢字"], ["abcd"]]).splitlines() == [
        "| a    |",
        "| ---- |",
        "| 漢字 |",
        "| abcd |",
    ]


def test_numbers_are_set_to_the_right(context: Any) -> None:
    """Percent signs, signs and empty fields do not make a number a word."""
    assert "| --: |" in table(["n"], [["-1"], [""], ["5%"]])
    assert "| --- |" in table(["n"], [["1"], ["x"]])


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("![x](http://e.vil)", r"!\[x\](http://e.vil)"),
        ("<script>", r"\<script\>"),
        ("snake_case _bold_", r"snake_case \_bold\_"),
        ("# title", r"\# title"),
        ("1. one", r"1\. one"),
        ("a # b", "a # b"),
        ("\x1b[2Jx\u202e", "\ufffd\\[2Jx\ufffd"),
    ],
)
def test_markup_in_values_takes_no_effect(text: str, escaped: str) -> None:
    """Nothing in a value links, loads, hides or formats."""
    assert plain(text) == escaped


@pytest.mark.parametrize(
    ("text", "span"),
    [("x", "`x`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("", "`  `"), ("a`", "`` a` ``")],
)
def test_code_may_hold_backquotes(text: str, span: str) -> None:
    """The fence is longer than what is in it."""
    assert code(text) == span


def test_line_ends_stay_in_their_cell(context: Any) -> None:
    """A table row is one line."""
    assert "one<br>two" in report(context, {"columns": ["a"], "rows": [["one\ntwo"]]})


def test_outline_has_all_its_parts(context: Any) -> None:
    """Modules, classes, tests, entry points and errors."""
    outline = {
        "packages": ["shop"],
        "modules": [
            {
                "path": "shop/cart.py",
                "summary": "A cart.",
                "functions": [{"name": "f", "line": 1, "signature": "f(x)"}],
                "classes": [{"name": "Cart", "line": 2, "bases": [], "methods": ["add"]}],
            }
        ],
        "tests": [{"path": "test_a.py", "names": ["test_x"]}],
        "entry_points": [{"name": "shop", "target": "shop:main"}],
        "syntax_errors": [{"path": "b.py", "line": 3, "message": "invalid syntax"}],
    }

    text = report(context, outline, title="Shop")

    for part in ("# Shop", "A cart.", "- `f(x)`", "- class `Cart`: `add`", "b.py:3", "1 module."):
        assert part in text


def test_long_values_are_cut_and_counted(context: Any) -> None:
    """The report says how much there is."""
    rows = [[str(number)] for number in range(10)]

    text = report(context, {"columns": ["n"], "rows": rows}, most=2)

    assert "10 rows, the first 2 shown." in text
    assert "| 2 |" not in text


def test_other_values_become_points(context: Any) -> None:
    """Anything that is JSON can be reported."""
    text = report(context, {"ok": True, "counts": {"passed": 2}, "failures": []})

    assert "- ok: yes\n- counts:\n  - passed: 2\n- failures: none" in text


def test_ragged_table_is_refused(context: Any) -> None:
    """A field without a column would be lost."""
    with pytest.raises(ValueError, match="row 1 has 2 fields for 1 columns"):
        report(context, {"columns": ["a"], "rows": [["1", "2"]]})


def test_number_alone_is_refused(context: Any) -> None:
    """A report is of something with a form."""
    with pytest.raises(TypeError, match="int can't be reported"):
        report(context, 5)
