"""Texts in few words: nothing is lost, and what is the same is not said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoclave.mind.plain_text import as_table, changes

LINES = st.lists(st.sampled_from(["", "a", "b", "c = 1", "-d", "+d", "@ line 1"]), max_size=30)


@given(old=LINES, new=LINES)
def test_a_text_and_its_changes_make_the_new_text(old: list[str], new: list[str]) -> None:
    """Whatever the lines begin with."""
    assert _changed(old, changes(old, new)) == new


@given(lines=LINES)
def test_what_is_the_same_has_no_changes(lines: list[str]) -> None:
    """Not even a place."""
    assert changes(lines, lines) == []


def test_one_line_among_many_is_told_with_its_place() -> None:
    """And with nothing around it."""
    old = [f"line {number}" for number in range(500)]
    new = [*old[:300], "another", *old[301:]]

    assert changes(old, new) == ["@ line 301", "-line 300", "+another"]


def test_a_list_of_equal_objects_is_a_table() -> None:
    """Names are said once; what could be mistaken for something else is JSON."""
    rows = [
        {"path": "a.py", "line": 1, "text": "x = 1"},
        {"path": "b.py", "line": 2, "text": "a | b"},
        {"path": "c.py", "line": None, "text": "two\nlines"},
    ]

    assert as_table(rows).split("\n") == [
        "path | line | text",
        "a.py | 1 | x = 1",
        'b.py | 2 | "a | b"',
        'c.py | null | "two\\nlines"',
    ]


def test_anything_else_is_no_table() -> None:
    """Few rows, other fields, other things."""
    assert as_table([{"a": 1}, {"a": 2}]) == ""
    assert as_table([{"a": 1}, {"b": 2}, {"a": 3}]) == ""
    assert as_table([1, 2, 3]) == as_table("text") == as_table({"a": 1}) == ""


def _changed(old: list[str], told: list[str]) -> list[str]:
    """What a reader makes of it, who knows how many lines go and come at each place."""
    new: list[str] = []
    left = 0
    place = 0
    while place < len(told):
        at = int(told[place].removeprefix("@ line ")) - 1
        kept = at - len(new)
        new, left, place = new + old[left : left + kept], left + kept, place + 1
        while place < len(told) and told[place].startswith("-"):
            assert told[place] == f"-{old[left]}"
            left, place = left + 1, place + 1
        while place < len(told) and told[place].startswith("+"):
            new, place = [*new, told[place][1:]], place + 1
    return new + old[left:]
