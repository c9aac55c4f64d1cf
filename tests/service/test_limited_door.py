"""The door as far as a role goes: what a browser's token may do, and no more."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.errors import NotAllowed
from autoclave.domain.risk import Risk
from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec
from autoclave.service.limited_door import NEEDS, LimitedDoor
from autoclave.service.tokens import Role


class Asked:
    """A door that notes what it is asked for."""

    def __init__(self, code: str = "") -> None:
        self.calls: list[str] = []
        self.code = code

    def __getattr__(self, name: str) -> Any:
        async def call(*_: Any, **__: Any) -> Any:
            self.calls.append(name)
            return {"code": self.code}

        return call


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", NEEDS)
async def test_each_role_gets_what_it_covers(role: Role, name: str) -> None:
    """A method goes through exactly when the role is enough for it."""
    asked = Asked()
    door = LimitedDoor(asked, role)
    values: dict[str, Any] = {
        "add_goal": (GoalSpec(text="x"),),
        "preview_goal": (GoalSpec(text="x"),),
        "answer_goal": ("G-0001", False),
    }
    named = (
        {} if name in ("preview_goal", "answer_goal", "settings", "secrets") else {"by": "person:x"}
    )

    try:
        await getattr(door, name)(*values.get(name, ()), **named)
    except NotAllowed:
        assert not role.covers(NEEDS[name])

    went = name in asked.calls
    assert went == role.covers(NEEDS[name])


async def test_what_is_not_listed_is_not_to_be_had() -> None:
    """A method that Control gets tomorrow is closed until somebody says what it takes."""
    asked = Asked()
    listed = {name for name, _ in inspect.getmembers(Control) if name[0] != "_"}

    for name in listed - NEEDS.keys() - {"aclose"}:
        with pytest.raises(NotAllowed):
            await getattr(LimitedDoor(asked, Role.APPROVER), name)()

    assert asked.calls == []
    assert NEEDS.keys() - listed <= {"overview", "settings", "secrets"}


async def test_a_yes_is_an_approvers_in_every_form(tmp_path: Path) -> None:
    """To a question, beforehand, after an alarm, and to a folder that no setting names."""
    asked = Asked(code="escalated")
    door = LimitedDoor(asked, Role.OPERATOR, workspaces=(tmp_path / "open",))

    for attempt in (
        door.answer_goal("G-0001", True, digest="x", by="person:x"),
        door.add_goal(GoalSpec(text="x", allow_up_to=Risk.R2), by="person:x"),
        door.add_goal(GoalSpec(text="x", workspace=tmp_path / "other"), by="person:x"),
        door.preview_goal(GoalSpec(text="x", workspace=tmp_path / "open" / "..")),
        door.resume_agent("go", by="person:x"),
    ):
        with pytest.raises(NotAllowed, match="approver"):
            await attempt
    await door.add_goal(GoalSpec(text="x", workspace=tmp_path / "open" / "a"), by="person:x")

    assert asked.calls == ["standing", "add_goal"]
