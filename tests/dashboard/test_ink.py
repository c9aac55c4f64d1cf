"""Lines: safe, clipped and wrapped by the cell."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from autoclave.dashboard.ink import beside, clip, diff_lines, line, paragraph, plain, width, wrap

TEXTS = st.text(max_size=60)


@given(TEXTS, st.integers(0, 40))
def test_a_clipped_line_is_never_wider_than_it_may_be(text: str, cells: int) -> None:
    """Whatever stands in it: wide characters, marks, nothing at all."""
    assert width(clip(line(text), cells)) <= max(cells, 0)


@given(TEXTS, TEXTS, st.integers(4, 60))
def test_two_parts_fill_a_line_and_no_more(left: str, right: str, cells: int) -> None:
    """The right one stands at the end, or gives way."""
    assert width(beside(line(left), line(right), cells)) <= cells


@given(TEXTS, st.integers(4, 40))
def test_wrapping_loses_no_word(text: str, cells: int) -> None:
    """All that is left out is space at the breaks."""
    given_line = line(text)

    wrapped = wrap(given_line, cells)

    assert "".join(plain(wrapped).split()) == "".join(plain([given_line]).split())
    assert all(width(each) <= cells for each in wrapped)


@given(TEXTS)
def test_nothing_that_steers_is_left_in_a_line(text: str) -> None:
    """Controls, format characters, bidi and zero width are spelled out."""
    said = plain([line(text), *paragraph(text), *diff_lines(text)])

    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [each for each in said if each != "\n" and unicodedata.category(each) in hidden]


def test_a_diff_says_by_its_first_character_what_a_line_is() -> None:
    """The tone only says it again."""
    found = diff_lines("--- a\n+++ b\n@@ x\n-old\n+new\n same")

    tones = [each[0].tone for each in found]
    assert tones == ["strong", "strong", "dim", "removed", "added", ""]
