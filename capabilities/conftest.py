"""Lets the tests of the capabilities run in place, with what they get in the sandbox."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autoclave.capabilities.host import Context, fresh_context

# A capability is imported by the name of its folder.
sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A context over an empty workspace."""
    return fresh_context(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Their tests start many programs; they also run sealed whenever one of them changes."""
    for item in items:
        if {"repair_python", "run_tests"} & set(item.path.parts):
            item.add_marker(pytest.mark.slow)
