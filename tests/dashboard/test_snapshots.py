"""Pictures of the main pages, compared with stored ones.

NEW_SNAPSHOTS=1 pytest tests/dashboard/test_snapshots.py -m slow  writes them anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.dashboard.glyphs import ASCII

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "snapshots"
WIDE, USUAL, NARROW, LEAST = (120, 36), (80, 24), (60, 18), (40, 12)
PICTURES: dict[str, tuple[tuple[int, int], tuple[str, ...], dict[str, Any]]] = {
    "home-wide": (WIDE, (), {}),
    "home-narrow-light": (NARROW, (), {"theme": "autoclave-light"}),
    "home-least": (LEAST, (), {}),
    "goals": (USUAL, ("2",), {}),
    "activity": (WIDE, ("3",), {}),
    "changes-ascii": (USUAL, ("6",), {"glyphs": ASCII}),
    "palette": (USUAL, ("ctrl+p",), {}),
    "pause": (USUAL, ("p",), {}),
}


@pytest.mark.parametrize("name", PICTURES)
async def test_it_looks_as_it_did(seen: Callable[..., Any], name: str) -> None:
    """Down to the last cell; a difference is looked at and then stored, or mended."""
    size, keys, more = PICTURES[name]
    async with seen(size, **more) as screen:
        await screen.press(*keys)
        picture = normal(screen.app.export_screenshot(title=name))

    stored = FOLDER / f"dashboard-{name}.svg"
    if os.environ.get("NEW_SNAPSHOTS"):
        stored.write_text(picture, encoding="utf-8")
    assert picture == stored.read_text(encoding="utf-8")


def normal(picture: str) -> str:
    """Without the numbers that differ from run to run, and without addresses of fonts."""
    picture = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    picture = re.sub(r"<!-- Generated with .*?-->", "", picture)
    return re.sub(r"terminal-\d+", "terminal", picture)
