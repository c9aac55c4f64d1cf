"""Scratch folders: there for as long as they are used, whoever tidies up beside them."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoclave.sandbox import scratch


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder that everybody may pass through, so that it is used as it is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("moment", ["before it is opened", "before it is locked"])
def test_a_fresh_folder_may_be_swept_before_it_is_locked(
    base: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Another process tidies up at the worst moment: another folder is made."""
    left = [1]

    def then_sweep(result: Any) -> Any:
        if left:
            left.pop()
            scratch.sweep(base)
        return result

    make, lock = tempfile.mkdtemp, fcntl.flock
    if moment == "before it is opened":
        monkeypatch.setattr(tempfile, "mkdtemp", lambda **named: then_sweep(make(**named)))
    else:
        monkeypatch.setattr(
            fcntl, "flock", lambda handle, how: then_sweep(None) or lock(handle, how)
        )

    with scratch.scratch_below(base) as folder:
        (folder / "mine").write_text("here")
        scratch.sweep(base)
        assert (folder / "mine").read_text() == "here"

    assert not left
    assert list(base.iterdir()) == []
