"""The dashboard without a terminal: what goes out, what comes in, what it does not do."""

from __future__ import annotations

import pytest

from autoclave.dashboard.mirror import (
    LARGEST,
    SMALLEST,
    Span,
    checked_size,
    frame_of,
    no_signing_here,
)
from autoclave.domain.approval import Sheet
from autoclave.domain.errors import CredentialMissing, InvalidInput

_A: list[Span] = [[0, 1, "a", "#fff", "", ""]]
_B: list[Span] = [[0, 1, "b", "#fff", "", ""]]


def test_a_frame_is_what_changed() -> None:
    """Nothing while nothing did; everything when the size is another one."""
    assert frame_of([_A, _A], [_A, _A]) == {}
    assert frame_of([_A, _A], [_A, _B]) == {"1": _B}
    assert frame_of([_A], [_A, _B]) == {"0": _A, "1": _B}


def test_sizes_stay_in_bounds() -> None:
    """A page cannot ask for a screen that fills the memory."""
    assert checked_size([1, 1]) == SMALLEST
    assert checked_size([10**9, 10**9]) == LARGEST
    for nonsense in (None, [80], ["80", 24], {"columns": 80}):
        with pytest.raises(InvalidInput):
            checked_size(nonsense)


@pytest.mark.parametrize(
    ("subject", "command"),
    [
        ("P-0001", "autoclave proposal approve P-0001 --hash abcdef012345"),
        ("G-0001/R-1", "autoclave goal answer G-0001 yes --hash abcdef012345"),
    ],
)
async def test_nobody_signs_in_a_browser(subject: str, command: str) -> None:
    """It names the command to give where the key is."""
    sheet = Sheet(subject=subject, digest="abcdef0123456789" * 4, home="h", expires_at=1, owners={})

    with pytest.raises(CredentialMissing) as refused:
        await no_signing_here(sheet)

    assert command in refused.value.hint
