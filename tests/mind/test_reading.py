"""Reading a goal: words and the typed things that it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.mind.reading import read_goal, stem


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        ("show notes.txt", [("path", "notes.txt")]),
        ("show notes.txt.", [("path", "notes.txt")]),
        ("list src/", [("path", "src/")]),
        ("read src/a_b/c-d.py please", [("path", "src/a_b/c-d.py")]),
        ("write a report to out/report.md", [("output-path", "out/report.md")]),
        ("save it into the file x.txt", [("output-path", "x.txt")]),
        ("copy a.txt to b.txt", [("path", "a.txt"), ("output-path", "b.txt")]),
        ('search for "two words"', [("text", "two words")]),
        ("search for “TODO”", [("text", "TODO")]),
        ("search for 'a.py'", [("text", "a.py")]),
        ("run `ls -l 'a b'`", [("argv", ["ls", "-l", "a b"])]),
        ("run `it's`", [("argv", ["it's"])]),
        ("write to maria@example.org", []),
        ("see https://example.org/a.html.", [("url", "https://example.org/a.html")]),
        ("see http://a.org/b and c.txt", [("url", "http://a.org/b"), ("path", "c.txt")]),
        ("nothing here", []),
        ("don't touch the user's a.txt", [("path", "a.txt")]),
        ("the project's tests aren't 'good enough'", [("text", "good enough")]),
    ],
)
def test_what_a_goal_names_is_found_with_its_type(
    text: str, literals: list[tuple[str, object]]
) -> None:
    """Paths, targets, quoted texts, pages and commands; a mail address is none of them."""
    found = read_goal(text)["literals"]

    assert [(each["type"], each["value"]) for each in found] == literals


def test_what_is_quoted_is_not_read_as_words() -> None:
    """A text to search for does not say what to do."""
    assert read_goal('search for "run the tests" and `fix it`')["words"] == ["search", "for", "and"]


def test_endings_do_not_matter() -> None:
    """So that a goal need not be worded as the manifest is."""
    assert stem("failing") == stem("fails") == "fail"
    assert read_goal("Failing TESTS")["words"] == ["fail", "test"]


@given(text=st.text(max_size=200))
def test_every_text_can_be_read(text: str) -> None:
    """And each literal stands in it, word for word."""
    found = read_goal(text)

    for each in found["literals"]:
        if isinstance(each["value"], str):
            assert each["value"] in text


@pytest.mark.parametrize("piece", ["a", "-", "-/", "./", "a/-", '"', "`", "'", "-.-", "a.b/"])
def test_the_longest_goal_is_read_at_once(piece: str) -> None:
    """Ten thousand characters of any kind: no pattern runs away."""
    text = (piece * 10_000)[:10_000]

    assert read_goal(text) == read_goal(text)
