"""How the review looks: three pictures, compared with those that somebody found good.

`AUTOCLAVE_PICTURES=write` draws them anew; look at them before they are committed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from autoclave.dashboard.themes import LIGHT

pytestmark = pytest.mark.slow
PICTURES = Path(__file__).parent / "pictures"


def check_picture(svg: str, name: str) -> None:
    """Compare with the kept picture, but for the number that each export makes up."""
    drawn = re.sub(r"terminal-\d+", "terminal", svg)
    kept = PICTURES / f"{name}.svg"
    if os.environ.get("AUTOCLAVE_PICTURES") == "write":
        PICTURES.mkdir(exist_ok=True)
        kept.write_text(drawn)
    assert drawn == kept.read_text(), f"{kept.name} looks different now"


async def test_side_by_side(desk: Any) -> None:
    """The diff beside the evidence in a large window."""
    app, _ = desk()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        check_picture(app.export_screenshot(), "side_by_side")


async def test_evidence_that_speaks_against_it(desk: Any, proposal: Any) -> None:
    """Worst first, in a light terminal."""
    proposal["gates"][2] |= {"verdict": "fail", "summary": "3 of 4 tests pass"}
    proposal["gates"][1] |= {"verdict": "not checked", "summary": "mypy is missing"}
    proposal["status"] = "failed"
    app, _ = desk(proposal, theme=LIGHT.name)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        check_picture(app.export_screenshot(), "against")


async def test_smallest_window_in_ascii(desk: Any) -> None:
    """One column, plain signs, and still the keys that decide."""
    app, _ = desk(is_ascii=True)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        await pilot.press("tab", "n")
        check_picture(app.export_screenshot(), "smallest")
