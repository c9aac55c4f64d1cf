"""What is kept and what is kept out: checkpoints, strange names, hostile capabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes_owner import Person

from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import AutoclaveError, NotFound
from autoclave.domain.risk import Risk
from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec
from autoclave.service.home import Home

pytestmark = pytest.mark.slow

OWNER = Person()
ME = OWNER.by
Project = Callable[[dict[str, str]], Path]
Tree = Callable[[Path], dict[str, bytes]]

MANIFEST = """\
name = "shout"
version = "1.0.0"
purpose = "Says a text in capitals."
effect = "pure"
serves = ["shout"]

[inputs]
type = "object"
required = ["text"]
[inputs.properties.text]
type = "string"
x-type = "text"

[outputs]
type = "object"
required = ["text"]
[outputs.properties.text]
type = "string"
x-type = "text"

[[examples]]
inputs = { text = "a" }
outputs = { text = "A" }
"""
CODE = "async def execute(context, inputs):\n    return {'text': inputs['text'].upper()}\n"
TEST = """\
import asyncio

from shout.code import execute


def test_it_shouts():
    assert asyncio.run(execute(None, {"text": "b"})) == {"text": "B"}
"""


async def test_a_checkpoint_brings_body_and_journal_back(
    control: Control, home: Home, project: Project, tree: Tree, open_home: Any
) -> None:
    """What happened since is put aside, not lost; the chain of events still verifies."""
    work = project({"a.txt": "hello\n"})
    await control.run_goal(GoalSpec(text="show a.txt", workspace=work), by=ME)
    body = tree(home.capabilities)
    await OWNER.own(control)
    made = await control.checkpoint_create("before")
    (home.capabilities / "read_file" / "code.py").write_text("# spoilt\n")
    await control.add_goal(GoalSpec(text="show a.txt", workspace=work), by=ME)

    restored = await OWNER.restore(control, made["id"])
    await control.aclose()

    assert restored["id"] == made["id"]
    assert tree(home.capabilities) == body
    async with open_home(home) as again:
        assert [goal["id"] for goal in await again.goals()] == ["G-0001"]
        assert (await again.audit_verify())["ok"]
        kinds = [event["kind"] for event in await again.history(0, 1000)]
        assert kinds[-1] == "CheckpointRestored"
        assert len(await again.list_checkpoints()) == 2
        report = await again.run_goal(GoalSpec(text="show a.txt", workspace=work), by=ME)
        assert report["exit"] == "done"


async def test_the_same_door_goes_on_after_a_restore(control: Control) -> None:
    """It need not be opened again to look and to speak."""
    await OWNER.own(control)
    made = await control.checkpoint_create("empty")
    await control.add_goal(GoalSpec(text="show a.txt"), by=ME)

    await OWNER.restore(control, made["id"])

    assert await control.goals() == []
    assert (await control.add_goal(GoalSpec(text="show b.txt"), by=ME))["id"] == "G-0001"
    assert (await control.audit_verify())["ok"]


async def test_an_unknown_checkpoint_changes_nothing(control: Control) -> None:
    """And the door stays open."""
    with pytest.raises(NotFound):
        await OWNER.restore(control, "C-20000101-000000")

    assert await control.goals() == []
    await control.add_goal(GoalSpec(text="show a.txt"), by=ME)


def _capability(folder: Path, *, code: str = CODE, manifest: str = MANIFEST) -> Path:
    folder.mkdir()
    (folder / "capability.toml").write_text(manifest)
    (folder / "code.py").write_text(code)
    (folder / "tests").mkdir()
    (folder / "tests" / "test_shout.py").write_text(TEST)
    return folder


async def test_a_sound_capability_is_taken_in_and_used(
    control: Control, tmp_path: Path, home: Home
) -> None:
    """Its examples were run; from then on goals are served by it."""
    added = await OWNER.add_capability(control, _capability(tmp_path / "shout"))

    assert added["name"] == "shout"
    report = await control.run_goal(GoalSpec(text='shout "hello"'), by=ME)
    assert report["outputs"] == {"text": "HELLO"}
    assert (home.capabilities / "shout" / "code.py").read_text() == CODE


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"code": "def execute(:\n"}, "(?i)syntax|parse|compile"),
        ({"code": CODE.replace(".upper()", "")}, "example"),
        ({"code": "raise SystemExit(0)\n"}, "execute"),
        ({"code": "raise SystemExit(0)\n" + CODE}, "example"),
        ({"code": "import os\nos._exit(0)\n" + CODE}, "."),
        ({"code": "import ctypes\n" + CODE}, "ctypes"),
        (
            {
                "code": "async def execute(context, inputs):\n    while True: pass\n",
                "manifest": MANIFEST + "\n[limits]\nwall_seconds = 1.0\n",
            },
            "example",
        ),
        ({"manifest": "name = "}, "."),
        ({"manifest": MANIFEST.replace('"shout"', '"../shout"', 1)}, "name"),
        ({"manifest": MANIFEST.replace('"shout"', '"read_file"', 1)}, "."),
        ({"manifest": MANIFEST.replace('"pure"', '"magic"')}, "effect"),
        ({"manifest": MANIFEST + "\n[limits]\nwall_seconds = -1\n"}, "wall_seconds"),
    ],
)
@pytest.mark.timeout(240)
async def test_a_hostile_or_broken_capability_stays_outside(
    control: Control, tmp_path: Path, home: Home, tree: Tree, spoilt: dict[str, str], reason: str
) -> None:
    """The refusal names what is wrong, and no byte of it gets into the home."""
    before = tree(home.capabilities)
    folder = _capability(tmp_path / "shout", **spoilt)

    with pytest.raises(AutoclaveError, match=reason):
        await OWNER.add_capability(control, folder)

    assert tree(home.capabilities) == before
    names = [each["name"] for each in await control.list_capabilities()]
    assert "shout" not in names
    assert names.count("read_file") == 1


async def test_a_capability_that_was_changed_by_hand_is_not_offered(
    control: Control, home: Home, project: Project, open_home: Any
) -> None:
    """Its bytes are not the ones that were enrolled."""
    work = project({"a.txt": "hello\n"})
    await control.run_goal(GoalSpec(text="show a.txt", workspace=work), by=ME)
    code = home.capabilities / "read_file" / "code.py"
    code.write_text(code.read_text() + "# mine\n")

    async with open_home(home) as later:
        report = await later.run_goal(GoalSpec(text="show a.txt", workspace=work), by=ME)
        offered = {each["name"]: each["purpose"] for each in await later.list_capabilities()}

    assert report["exit"] != "done"
    assert offered["read_file"].startswith("not offered")


@pytest.mark.parametrize(
    "text",
    [
        "show a.txt \x1b[2J\x1b]0;owned\x07",
        "show a.txt \u202egnp.exe",
        "show a.txt \udcff",
        "show a.txt '; DROP TABLE goals; --",
        "show a.txt ${HOME} $(id) `",
        "show a.txt " + "x" * 9_900,
    ],
)
async def test_a_hostile_goal_is_a_goal_like_any_other(
    control: Control, project: Project, text: str
) -> None:
    """It is kept as it was given, and the journal verifies."""
    work = project({"a.txt": "hello\n"})

    report = await control.run_goal(GoalSpec(text=text, workspace=work), by=ME)

    assert report["exit"] == "done"
    assert (await control.goal(report["id"]))["text"] == text
    spelled = text.encode("utf-8", "backslashreplace").decode()
    assert [row["text"] for row in await control.goals()] == [spelled]
    assert await control.export("events", "json")
    assert (await control.audit_verify())["ok"]


@pytest.mark.parametrize(
    "name", ["es\x1b[31mcape.txt", "new\nline.txt", "b\u202eidi.txt", 'qu"ote.txt', "sp ace.txt"]
)
async def test_files_with_hostile_names_are_carried_along_untouched(
    control: Control, project: Project, tree: Tree, name: str
) -> None:
    """They stand in nobody's way, and what is written beside them is all that changes."""
    work = project({"a.txt": "hello\n", name: "strange\n"})
    before = tree(work)
    spec = GoalSpec(text="copy a.txt to b.txt", workspace=work, allow_up_to=Risk.R1)

    report: JsonObject = await control.run_goal(spec, by=ME)

    assert report["exit"] == "done", report["reason"]
    assert tree(work) == {**before, "b.txt": b"hello\n"}


async def test_a_file_whose_name_is_no_text_is_named_in_the_refusal(
    control: Control, project: Project, tree: Tree
) -> None:
    """Half of the workspace would be worse than none."""
    work = project({"a.txt": "hello\n", "\udcff\udcfe.txt": "strange\n"})
    before = tree(work)
    spec = GoalSpec(text="copy a.txt to b.txt", workspace=work, allow_up_to=Risk.R1)

    report = await control.run_goal(spec, by=ME)

    assert report["exit"] == "failed"
    assert "not UTF-8" in report["reason"]
    assert tree(work) == before
