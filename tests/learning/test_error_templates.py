"""Error messages lose their particulars and gather under templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.learning.error_templates import ANY, best_match, mask, merge, template_of

_particulars = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.floats(0, 1e6).map(str),
    st.integers(0, 2**64).map(hex),
    st.uuids().map(str),
    st.datetimes().map(lambda at: at.isoformat(sep=" ", timespec="seconds")),
    st.text("abc xyz_", max_size=9).map(lambda text: f"'{text}'"),
    st.text("abcxyz", min_size=1, max_size=9).map(lambda name: f"/tmp/{name}/data.csv"),
)


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("could not convert string to float: '12,5'", "could not convert string to float: <text>"),
        ("list index 17 out of range", "list index <num> out of range"),
        ("[Errno 2] No such file: '/tmp/a b.csv'", "[Errno <num>] No such file: <text>"),
        ("cannot open /home/x/data.csv now", "cannot open <path> now"),
        ("object at 0x7f3bff00 died", "object at <hex> died"),
        ("took 3.5s at 2024-05-01T10:11:12Z", "took <num>s at <time>"),
        ("see https://example.org/a?b=1 for more", "see <url> for more"),
        ("row 1, 2, 3 are bad", "row <num> are bad"),
        ("don't mix it's and can't", "don't mix it's and can't"),
        ("two\n  lines", "two lines"),
        ("", ""),
    ],
)
def test_particulars_are_masked(message: str, masked: str) -> None:
    """Numbers, quoted text, paths, addresses and times give way to their kind."""
    assert mask(message) == masked


@given(st.text(max_size=500) | st.text("'\"`/0a-:. <num>{}[],x\\", max_size=80))
def test_masking_twice_changes_nothing(message: str) -> None:
    """A masked message has no particulars left."""
    assert mask(mask(message)) == mask(message)


@given(_particulars, st.sampled_from(["value {} is wrong", "{}: not found", "no key {}"]))
def test_the_template_does_not_depend_on_the_particular(particular: str, frame: str) -> None:
    """Two failures that differ in a value of one kind have one template."""
    first = {"error_class": "E", "where": "f.py:g", "message": frame.format(particular)}
    kind = mask(particular)

    assert template_of(first) == f"E at f.py:g: {frame.format(kind)}"


def test_class_and_place_make_different_templates() -> None:
    """The same words from another class or another function are another error."""
    base = {"error_class": "KeyError", "where": "code.py:parse", "message": "'a'"}

    templates = {
        template_of(base),
        template_of({**base, "error_class": "ValueError"}),
        template_of({**base, "where": "code.py:load"}),
    }

    assert len(templates) == 3
    assert template_of(base) == template_of({**base, "message": "'b'"})


def test_messages_that_differ_in_one_word_share_a_template() -> None:
    """Where they differ, the template has a gap, and both belong to it from then on."""
    one, other = ["unknown", "column", "price", "here"], ["unknown", "column", "name", "here"]

    merged = merge(one, other)

    assert merged == ["unknown", "column", ANY, "here"]
    assert merge(merged, one) == merged
    assert best_match(["unknown", "column", "size", "here"], [["x"], merged]) == 1


def test_messages_with_little_in_common_stay_apart() -> None:
    """A template does not grow so vague that it fits everything."""
    assert merge(["file", "not", "found"], ["disk", "is", "full"]) is None
    assert merge(["a", "b", "c"], ["a", "b"]) is None
    assert best_match(["boom"], [["bang"], ["crash"]]) is None


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=6))
def test_what_was_merged_in_still_belongs(tokens: list[str]) -> None:
    """A template never forgets a message that shaped it."""
    template = ["a", "b", "c", "d", "e", "f"][: len(tokens)]
    merged = merge(template, tokens)
    if merged is not None:
        assert merge(merged, tokens) == merged
        assert merge(merged, template) == merged
