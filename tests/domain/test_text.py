"""Untrusted text on its way to a terminal."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.text import show, show_line

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_no_hidden_character_of_all_unicode_gets_through() -> None:
    """Every one, between two letters: controls, formats, bidi, halves, private, unassigned."""
    for first in range(0, sys.maxunicode + 1, 2048):
        text = "".join(map(chr, range(first, min(first + 2048, sys.maxunicode + 1))))
        for shown in ("".join(show(part) for part in text.split("\n")), show_line(text)):
            kept = {c for c in shown if unicodedata.category(c) in HIDDEN}
            assert kept <= {"\t"}


@given(text=st.text())
def test_only_newlines_and_tabs_are_left_of_what_steers(text: str) -> None:
    """In any mixture."""
    assert not [c for c in show(text) if unicodedata.category(c) in HIDDEN and c not in "\n\t"]
    assert not [c for c in show_line(text) if unicodedata.category(c) in HIDDEN]


@given(data=st.binary())
def test_bytes_never_break_it(data: bytes) -> None:
    """What is no UTF-8 is spelled out."""
    assert show(data).count("\n") == data.decode("utf-8", "backslashreplace").count("\n")
    assert "\n" not in show_line(data)


@pytest.mark.parametrize(
    "text", ["plain", "naïve café", "Ελληνικά", "日本語", "x → y “z”", "😀", "a\tb", "two\nlines"]
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """People write in many scripts."""
    assert show(text) == text


@pytest.mark.parametrize("character", BIDI)
def test_what_turns_the_direction_of_reading_is_spelled_out(character: str) -> None:
    """The order that one sees is the order of the bytes."""
    assert show(f"a{character}b") == f"a\\u{ord(character):04x}b"


def test_escape_sequences_are_spelled_out() -> None:
    """A terminal is told nothing by untrusted text."""
    assert show("\x1b[2Jgone\r") == "\\x1b[2Jgone\\r"
    assert show_line("a\nb\tc") == "a\\nb\\tc"


@given(length=st.integers(1_990, 2_100), character=st.sampled_from("aé\x1b"))
def test_a_long_line_is_cut_and_says_by_how_much(length: int, character: str) -> None:
    """Two thousand characters are shown; the rest is counted."""
    shown = show(character * length)

    if length <= 2_000:
        assert "more characters" not in shown
    else:
        assert shown.endswith(f"… {length - 2_000} more characters")


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    """Only when asked to."""
    assert show("a\nb\nc\nd", most_lines=2) == "a\nb\n… 2 more lines"
    assert show("a\nb", most_lines=2) == "a\nb"
