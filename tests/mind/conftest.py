"""Views to decide on: of the shipped capabilities, and of any others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.capabilities.discovery import discover
from autoclave.core.view import build_view
from autoclave.domain.canonical import JsonObject
from autoclave.domain.run import Run

ROOT = Path(__file__).parent.parent.parent

PROMPTS = {
    path.stem: path.read_text() for path in (ROOT / "src/autoclave/mind/prompts").glob("*.md")
}
MakeView = Callable[..., Any]


@pytest.fixture(scope="session")
def shipped() -> list[JsonObject]:
    """The capabilities of the repository, as the mind is shown them."""
    found = discover([ROOT / "capabilities"])
    assert not found.broken
    view = build_view(Run(id="G-0001"), tuple(found.manifests), None)
    offered: list[JsonObject] = view["capabilities"]
    return offered


@pytest.fixture
def make_view(shipped: list[JsonObject]) -> MakeView:
    """Makes the view of a goal in its first moment; any part of it may be given."""

    def make(text: str, *, state: str = "PLANNING", kind: str = "goal", **parts: Any) -> Any:
        view = build_view(Run(id="G-0001", text=text), (), None)
        view["run"] |= {"state": state, "kind": kind}
        view["capabilities"] = shipped
        view["prompts"] = PROMPTS
        return {**view, **parts}

    return make
