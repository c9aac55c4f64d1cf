"""Goals as people give them: what makes no sense is refused before it is written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.canonical import canonical
from autoclave.domain.errors import AutoclaveError, InvalidInput, NotFound
from autoclave.domain.usage import Budget
from autoclave.service.goals import GoalSpec, check_workspace, goal_payload


@pytest.mark.parametrize(
    "spoilt",
    [
        {"text": " "},
        {"text": "x" * 10_001},
        {"text": "a\0b"},
        {"budget_usd": float("nan")},
        {"budget_usd": float("inf")},
        {"budget_usd": -1.0},
        {"budget_seconds": float("nan")},
        {"budget_seconds": -0.5},
        {"done": ("a\0b",)},
        {"done": ("",)},
    ],
)
def test_a_goal_that_makes_no_sense_refuses_to_exist(spoilt: dict[str, Any]) -> None:
    """With the reason."""
    with pytest.raises(InvalidInput):
        GoalSpec(**{"text": "x", **spoilt})


def test_a_workspace_is_a_folder_that_exists(tmp_path: Path) -> None:
    """A link to one is followed now, so that it can't be turned elsewhere later."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()

    assert check_workspace(tmp_path / "link") == str((tmp_path / "real").resolve())
    assert check_workspace(None) == ""
    with pytest.raises(InvalidInput, match="not a folder"):
        check_workspace(tmp_path / "file")
    with pytest.raises(NotFound, match="does not exist"):
        check_workspace(tmp_path / "nowhere")


@given(
    text=st.text(min_size=1, max_size=40) | st.just("\udcff bytes that are no text"),
    done=st.lists(st.text(max_size=8), max_size=3),
    usd=st.none() | st.floats(),
)
def test_whatever_is_accepted_can_be_written_down(
    text: str, done: list[str], usd: float | None
) -> None:
    """As JSON that comes back the same."""
    try:
        spec = GoalSpec(text=text, done=tuple(done), budget_usd=usd)
    except AutoclaveError:
        return

    payload = goal_payload(spec, budget=Budget(usd=1.0 if usd is None else usd))

    assert canonical(payload)
    assert payload["text"] == text.strip()
