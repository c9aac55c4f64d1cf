"""Untrusted text as pieces: nothing that steers a terminal, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from autoclave.dashboard.glyphs import ASCII
from autoclave.dashboard.review.ink import expand, fit, hidden_in, spelled, wrap
from autoclave.domain.text import show


@given(st.text())
def test_pieces_are_what_the_text_shows(text: str) -> None:
    """Spelled out as everywhere else; only tabs stay, and those become room."""
    said = "".join(piece.text for piece in spelled(text.replace("\n", ""), "plain"))

    assert said == show(text.replace("\n", ""))


@given(st.text())
def test_nothing_hidden_is_left_in_the_colour_of_the_rest(text: str) -> None:
    """What is spelled out stands out."""
    for piece in spelled(text, "plain"):
        if piece.ink == "plain":
            assert not hidden_in(piece.text)


def test_tabs_reach_the_next_stop() -> None:
    """Counted over all pieces of the line."""
    pieces = expand([*spelled("ab\tc", "plain"), *spelled("\td", "added")])

    assert "".join(piece.text for piece in pieces) == "ab  c   d"


@given(st.text(max_size=60), st.integers(4, 20))
def test_wrapped_text_fits_and_loses_nothing_but_spaces(text: str, width: int) -> None:
    """Wide characters count twice."""
    lines = wrap(text, width)

    assert all(cell_len(line) <= width for line in lines)
    kept = "".join(lines).replace(" ", "")
    assert kept == show(text).replace("\n", "").replace("\t", "").replace(" ", "")


def test_plain_terminals_get_plain_signs() -> None:
    """Our own words in other signs, everything else by its name."""
    assert fit("“x” · é", ASCII) == '"x" - \\xe9'
