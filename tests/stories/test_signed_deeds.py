"""Adding a capability and going back in time, with the keys of owners and without."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes_owner import Person

from autoclave.domain.errors import CredentialMissing, NotAllowed, Stale
from autoclave.service import demo
from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec
from autoclave.service.home import Home

pytestmark = pytest.mark.slow

OWNER, STRANGER = Person(), Person("stranger")
CAPABILITY = Path(demo.__file__).parent / "demo_data" / "describe_table"
Tree = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A capability that somebody brings."""
    return Path(shutil.copytree(CAPABILITY, tmp_path / "describe_table"))


async def test_a_capability_takes_a_yes_to_its_bytes_and_needs(
    control: Control, home: Home, folder: Path, tree: Tree
) -> None:
    """Unsigned, of a stranger, or for what it was before: nothing is taken in."""
    await OWNER.own(control)
    before = tree(home.capabilities)
    sheet = await control.capability_sheet(folder)
    signed = OWNER.sign(sheet)
    assert sheet.facts["needs"]["network"] == []

    unsigned, stranger = replace(signed, signature=""), STRANGER.sign(sheet)
    with pytest.raises(CredentialMissing):
        await control.add_capability(folder, signed=unsigned, by=OWNER.by)
    with pytest.raises(NotAllowed, match="not that of an owner"):
        await control.add_capability(folder, signed=stranger, by=STRANGER.by)
    code = folder / "code.py"
    code.write_text(code.read_text(encoding="utf-8") + "\nEXTRA = 1\n", encoding="utf-8")
    with pytest.raises(Stale, match="changed after"):
        await control.add_capability(folder, signed=signed, by=OWNER.by)

    assert tree(home.capabilities) == before
    assert (await OWNER.add_capability(control, folder))["name"] == "describe_table"


async def test_a_yes_of_another_home_brings_nothing_in(
    control: Control, folder: Path, tmp_path: Path, open_home: Any, home: Home
) -> None:
    """The same owner, the same bytes, but signed for somewhere else."""
    other = Home(root=Path(shutil.copytree(home.root, tmp_path / "other")))
    await OWNER.own(control)
    async with open_home(other) as elsewhere:
        await OWNER.own(elsewhere)
        signed = OWNER.sign(await elsewhere.capability_sheet(folder))

    with pytest.raises(NotAllowed, match="another home"):
        await control.add_capability(folder, signed=signed, by=OWNER.by)


async def test_going_back_takes_a_yes_to_leaving_this_very_present(control: Control) -> None:
    """What happened since it was signed was not meant; a used yes does not go back again."""
    await OWNER.own(control)
    made = await control.checkpoint_create("empty")
    signed = OWNER.sign(await control.restore_sheet(made["id"]))
    unsigned = replace(signed, signature="")

    with pytest.raises(CredentialMissing):
        await control.restore_checkpoint(made["id"], signed=unsigned, by=OWNER.by)
    await control.add_goal(GoalSpec(text="show a.txt"), by=OWNER.by)
    with pytest.raises(Stale, match="changed after"):
        await control.restore_checkpoint(made["id"], signed=signed, by=OWNER.by)
    assert len(await control.goals()) == 1
    now = OWNER.sign(await control.restore_sheet(made["id"]))
    await control.restore_checkpoint(made["id"], signed=now, by=OWNER.by)
    with pytest.raises(Stale, match="changed after"):
        await control.restore_checkpoint(made["id"], signed=now, by=OWNER.by)

    assert await control.goals() == []
    last = (await control.history(-1, 1))[0]
    assert [each["nonce"] for each in last["payload"]["approvals"]] == [now.nonce]


async def test_going_back_to_other_owners_says_so_and_is_a_change_of_owners(
    control: Control,
) -> None:
    """A single owner cannot leave the home to whoever comes first with one signature."""
    made = await control.checkpoint_create("before there was an owner")
    await OWNER.own(control)

    sheet = await control.restore_sheet(made["id"])
    done = await OWNER.restore(control, made["id"])
    again = await OWNER.restore(control, made["id"])

    assert sheet.facts["changes_owners"] is True
    assert [each["name"] for each in sheet.facts["owners"]] == [OWNER.name]
    assert sheet.facts["owners_then"] == []
    assert done["waits_for"] == again["waits_for"] != ""
    assert OWNER.name in done["waits_for"]
    assert [each["name"] for each in (await control.owners())["owners"]] == [OWNER.name]


async def test_the_owner_of_the_past_has_no_say(control: Control) -> None:
    """Only today's owners send the home back, also to a day when somebody else owned it."""
    made = await control.checkpoint_create("nobody's")
    await OWNER.own(control)

    signed = STRANGER.sign(await control.restore_sheet(made["id"]))

    with pytest.raises(NotAllowed, match="not that of an owner"):
        await control.restore_checkpoint(made["id"], signed=signed, by=STRANGER.by)
