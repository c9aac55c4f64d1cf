"""Records the decisions that ship with the program, for homes that have made none yet.

    python tools/golden.py      runs the goals and writes their events; takes half a minute

To be run again when a change of the mind by hand makes it decide otherwise.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from autoclave.cli.signing import Signer, throw_away_key
from autoclave.core.golden import packed
from autoclave.domain.capability import Manifest
from autoclave.domain.events import Event
from autoclave.domain.risk import Risk
from autoclave.service import demo
from autoclave.service.control import Control
from autoclave.service.goals import Answer, GoalSpec
from autoclave.service.home import init_home
from autoclave.wiring import open_control

HERE = Path(__file__).resolve().parent.parent
PLACE = HERE / "src/autoclave/core/golden_data/shipped.json"
DEMO = Path(demo.__file__).parent / "demo_data"
BY = "person:golden"
Recorded = tuple[list[Event], tuple[Manifest, ...]]

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
required = ["text"]
properties = {text = {type = "string", x-type = "text"}}

[outputs]
type = "object"
properties = {}

[[examples]]
inputs = {text = "calm"}
outputs = {}
""",
    "code.py": '''\
"""Meets files that change all the time."""


class Stale(Exception):
    """It changed since it was looked at."""


async def execute(context, inputs):
    if inputs["text"] != "calm":
        raise Stale("the files changed again")
    return {}
''',
    "tests/test_settle.py": """\
import asyncio

from settle import code


def test_calm_files_settle():
    assert asyncio.run(code.execute(None, {"text": "calm"})) == {}
""",
}


async def record() -> list[Recorded]:
    """Every decision of the goals, in a home of its own."""
    runs: list[Recorded] = []
    with tempfile.TemporaryDirectory(prefix="autoclave-golden-") as name:
        root = Path(name)
        control = open_control(init_home(root / "home").home)
        try:
            for number, (text, done) in enumerate(GOALS):
                folder = _folder(root / f"work{number}", FILES)
                runs += await _reach(control, text, folder, done)
            work = root / "demo"
            shutil.copytree(DEMO / "workspace", work)
            owner = throw_away_key(root / "owner")
            await control.enrol_first_owner("golden", owner.key, by=BY)
            await _add(control, DEMO / "describe_table", owner)
            for text, stem in DEMO_GOALS:
                done = ("python", "check_report.py", f"{stem}.csv", f"{stem}.md")
                runs += await _reach(control, text, work, done)
            runs += await _improve(control)
            await _add(control, _folder(root / "settle", UNSETTLED), owner)
            runs += await _reach(control, 'settle the "rough" files', work, ())
        finally:
            await control.aclose()
    return runs


async def _add(control: Control, folder: Path, owner: Signer) -> None:
    signed = owner.sign(await control.capability_sheet(folder))
    await control.add_capability(folder, signed=signed, by=BY)


async def _reach(
    control: Control, text: str, folder: Path, done: tuple[str, ...]
) -> list[Recorded]:
    async def ask(question: object) -> Answer:
        return Answer(yes=True, reason="", by=BY)

    spec = GoalSpec(text=text, workspace=folder, done=done, allow_up_to=Risk.R1)
    report = await control.run_goal(spec, by=BY, ask=ask)
    return [await _stream(control, str(report["id"]))]


async def _improve(control: Control) -> list[Recorded]:
    found = await control.improve()
    return [await _stream(control, each["goal"]) for each in found["opportunities"]]


async def _stream(control: Control, goal: str) -> Recorded:
    parts = control._parts
    return await parts.ledger.events(f"goal/{goal}"), parts.toolbox.manifests()


def _folder(place: Path, files: dict[str, str]) -> Path:
    place.mkdir()
    for name, text in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place


def main() -> None:
    runs = asyncio.run(record())
    PLACE.parent.mkdir(exist_ok=True)
    text = json.dumps(packed(runs), ensure_ascii=False, sort_keys=True, indent=0)
    for place, name in ((Path(tempfile.gettempdir()), "tmp"), (HERE, "opt/autoclave")):
        text = text.replace(f"{place}/", f"/{name}/")  # of no use to anybody on another machine
    PLACE.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(runs)} runs in {PLACE.name}\n")


if __name__ == "__main__":
    main()
