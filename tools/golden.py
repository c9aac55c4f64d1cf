"""Records the decisions that ship with the program, for homes that have made none yet.

    python tools/golden.py            run the goals again and write what the mind saw and answered
    python tools/golden.py --answers  ask today's mind the recorded views again, and write that

The first takes a minute, the second no time: it is for a change of the mind made by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import autoclave.mind
from autoclave.core.golden import decisions, packed, shipped
from autoclave.core.mind_loader import read_mind, tree_of
from autoclave.core.mind_trials import SealedTrials
from autoclave.domain.golden import Golden, is_same
from autoclave.domain.risk import Risk
from autoclave.sandbox.sealed import SealedSandbox
from autoclave.service import demo
from autoclave.service.control import Control
from autoclave.service.goals import Answer, GoalSpec
from autoclave.service.home import init_home
from autoclave.wiring import open_control

PLACE = Path(__file__).parent.parent / "src/autoclave/core/golden_data/shipped.json"
MIND = Path(autoclave.mind.__file__).parent
DEMO = Path(demo.__file__).parent / "demo_data"
BY = "person:golden"

GOALS = (
    ('search for "TODO" and write a report to todo.md', ()),
    ('search for "FIXME" and write a report to fixme.md', ()),
    ("show notes.txt", ()),
    ("show missing.txt", ()),
    ("show notes.txt", ("python", "-c", "raise SystemExit(1)")),
    ("book a flight to Oslo", ()),
    ("make the failing tests pass", ("python", "-m", "pytest", "-q")),
)
DEMO_GOALS = (
    ("describe latencies.csv and write a report to latencies.md", "latencies"),
    ("describe orders.csv and write a report to orders.md", "orders"),
)
FILES = {
    "notes.txt": "TODO water the plants\n",
    "shop.py": "def price(count):\n    return count * 3 + 1\n",
    "test_shop.py": "from shop import price\n\n\ndef test_price():\n    assert price(2) == 6\n",
}
UNSETTLED = {
    "capability.toml": """\
name = "settle"
version = "1.0.0"
purpose = "Settles files that keep changing."
effect = "pure"
serves = ["settle"]

[inputs]
type = "object"
properties = {}

[outputs]
type = "object"
properties = {}
""",
    "code.py": '''\
"""Meets files that change all the time."""


class Stale(Exception):
    """It changed since it was looked at."""


async def execute(context, inputs):
    raise Stale("the files changed again")
''',
}


async def record() -> list[Golden]:
    """Every decision of the goals, in a home of its own."""
    found: list[Golden] = []
    with tempfile.TemporaryDirectory(prefix="autoclave-golden-") as name:
        root = Path(name)
        control = open_control(init_home(root / "home").home)
        try:
            for number, (text, done) in enumerate(GOALS):
                folder = _folder(root / f"work{number}", FILES)
                found += await _reach(control, text, folder, done)
            work = root / "demo"
            shutil.copytree(DEMO / "workspace", work)
            await control.add_capability(DEMO / "describe_table", by=BY)
            for text, stem in DEMO_GOALS:
                done = ("python", "check_report.py", f"{stem}.csv", f"{stem}.md")
                found += await _reach(control, text, work, done)
            found += await _improve(control)
            await control.add_capability(_folder(root / "settle", UNSETTLED), by=BY)
            found += await _reach(control, "settle the files", work, ())
        finally:
            await control.aclose()
    return found


async def _reach(
    control: Control, text: str, folder: Path, done: tuple[str, ...]
) -> list[Golden]:
    async def ask(question: object) -> Answer:
        return Answer(yes=True, reason="", by=BY)

    spec = GoalSpec(text=text, workspace=folder, done=done, allow_up_to=Risk.R1)
    report = await control.run_goal(spec, by=BY, ask=ask)
    return await _decisions(control, str(report["id"]))


async def _improve(control: Control) -> list[Golden]:
    found = await control.improve()
    return [each for o in found["opportunities"] for each in await _decisions(control, o["goal"])]


async def _decisions(control: Control, goal: str) -> list[Golden]:
    parts = control._parts
    events = await parts.ledger.events(f"goal/{goal}")
    return decisions(goal, events, parts.toolbox.manifests())


def _folder(place: Path, files: dict[str, str]) -> Path:
    place.mkdir()
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


async def answered(found: list[Golden]) -> list[Golden]:
    """The same decisions with the answers of the mind as it stands in the source."""
    files = read_mind(MIND)
    with tempfile.TemporaryDirectory() as name:
        sandbox = SealedSandbox(base=Path(name), require_self_test=False)
        trials = SealedTrials(None, manifests=tuple, sandbox=sandbox)  # type: ignore[arg-type]
        given = await trials.ask(files, [each.view for each in found])
    if wrong := [e.id for e, g in zip(found, given, strict=True) if "answer" not in g]:
        raise SystemExit(f"the mind has no answer to {', '.join(wrong)}")
    return [
        replace(each, answer={**new["answer"], "why": each.answer["why"]}, mind=tree_of(files))
        for each, new in zip(found, given, strict=True)
        if is_same(each.answer, new["answer"]) or _changed(each)
    ]


def _changed(golden: Golden) -> bool:
    print(f"{golden.id} {golden.view['run']['text']}: answered otherwise now")
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", action="store_true")
    if parser.parse_args().answers:
        found = asyncio.run(answered(list(shipped())))
    else:
        found = asyncio.run(record())
    PLACE.parent.mkdir(exist_ok=True)
    text = json.dumps(packed(found), ensure_ascii=False, sort_keys=True, indent=1)
    PLACE.write_text(text + "\n", encoding="utf-8")
    print(f"{len(found)} decisions of {len({each.run for each in found})} runs in {PLACE.name}")


if __name__ == "__main__":
    main()
