"""What the tests of a capability get in a bundle. Copied into a sealed folder, never imported."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "capabilities")]


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A context over an empty workspace, which is the current folder."""
    made = importlib.import_module("capability_host").fresh_context(tmp_path)
    monkeypatch.chdir(made.workspace)
    return made
