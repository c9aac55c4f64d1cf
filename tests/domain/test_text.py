"""Untrusted text on its way to a terminal."""

from __future__ import annotations

import json
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.text import escape_json, let_out, show, show_line

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


@given(text=st.text())
def test_what_was_shown_is_let_out_as_it_is(text: str) -> None:
    """The last boundary is for what was forgotten, and adds nothing."""
    assert let_out(show(text)) == show(text)


@given(text=st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b[0;3m8]7"))))
def test_nothing_that_steers_is_let_out_but_our_colors(text: str) -> None:
    """A few codes for bold and coloured letters; none that hides, moves or asks."""
    rest = re.sub(r"\x1b\[(?:[012]|3[0-7]|38;5;\d{1,3})m", "", let_out(text), flags=re.ASCII)

    assert not [c for c in rest if unicodedata.category(c) in HIDDEN and c not in "\n\t"]


@pytest.mark.parametrize("code", ["8m", "7m", "30;40m", "2J", "?25l", "6n", "38;5;1;8m", "m"])
def test_other_codes_are_spelled_out(code: str) -> None:
    """Concealed, inverted, moving, asking."""
    assert let_out(f"a\x1b[{code}b") == f"a\\x1b[{code}b"


@given(
    value=st.recursive(
        st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_json_means_the_same_and_steers_nothing(value: object) -> None:
    """DEL, C1 and bidi characters are legal in JSON, and a terminal obeys them all the same."""
    written = escape_json(json.dumps(value, indent=2, ensure_ascii=False))

    assert json.loads(written) == value
    assert not [c for c in written if unicodedata.category(c) in HIDDEN and c != "\n"]
