"""Which of several passing patches is proposed."""

from __future__ import annotations

import pytest
from repair_python.choose import in_order
from repair_python.found import Patch


def patch(text: str, operator: str, *, score: float = 1.0) -> Patch:
    """A patch that leaves one file with this text."""
    return Patch(
        texts={"a.py": text.encode()},
        operators=(operator,),
        size=4,
        score=score,
        found_after=0.0,
        place=0,
        line=1,
    )


@pytest.mark.parametrize("idle", ["n + 0", "n * 1", "n // 1", "(n - 1) + 1", "(n + 1) - 1"])
def test_arithmetic_that_does_nothing_is_not_proposed(idle: str) -> None:
    """The plain expression is, even if the search thought it a little less likely."""
    plain = patch("x = n\n", "drop_operand:BinOp", score=0.5)

    first = in_order([patch(f"x = {idle}\n", "off_by_one:Name"), plain])[0]

    assert first is plain


def test_leaving_code_out_does_not_win_by_being_short() -> None:
    """A deletion is the first suspect for passing a weak suite."""
    changed = patch("y = 1\nx = n - 1\n", "off_by_one:Name")

    first = in_order([patch("x = n\n", "delete:Assign"), changed])[0]

    assert first is changed


def test_patches_that_read_the_same_are_one() -> None:
    """Brackets and blanks make no difference."""
    found = in_order([patch("x = (n)\n", "a:b"), patch("x = n\n", "c:d")])

    assert len(found) == 1
