"""A small home with the real gates over the real sandbox, shared by every candidate."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autoclave.core.replay import CaseReplay
from autoclave.domain.canonical import digest_bytes
from autoclave.domain.changes import ABSENT, ChangeSet, FileChange
from autoclave.domain.errors import NotAllowed, Refused
from autoclave.domain.knowledge import Case
from autoclave.domain.proposal import Draft, Edit, EditOperation, Evidence, GateVerdict
from autoclave.modification.targets import target_hash
from autoclave.modification.workshop import LibcstWorkshop
from autoclave.service.control import Control
from autoclave.service.home import Home
from autoclave.wiring import open_control

CODE = "capabilities/totals/code.py"
TESTS = "capabilities/totals/tests/test_totals.py"

TOTALS = '''\
"""Adds up what a list says."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The total and the mean of the amounts in a list, and how many lines were left out."""
    amounts, left_out = read(inputs["text"])
    if left_out:
        _log.warning("%d lines were left out", left_out)
    return {"total": total(amounts), "mean": mean(amounts), "left_out": left_out}


def read(text: str) -> tuple[list[float], int]:
    """The amounts, one in each line, and the number of lines without one."""
    amounts, left_out = [], 0
    for line in text.splitlines():
        try:
            amounts.append(float(line))
        except ValueError:
            left_out += 1
    return amounts, left_out


def total(amounts: list[float]) -> float:
    """All of them together."""
    return float(sum(amounts))


def mean(amounts: list[float]) -> float:
    """The arithmetic mean, 0 for nothing."""
    return total(amounts) / len(amounts)


def label(amounts: list[float]) -> str:
    """The total as people read it."""
    return json.dumps({"total": total(amounts)})


def kept_in(folder: Path) -> list[str]:
    """Names of the lists that are kept in a folder."""
    return sorted(path.name for path in folder.glob("*.txt"))
'''

TOTALS_TESTS = '''\
"""Totals are right."""

from pathlib import Path

from totals import code


def test_total():
    assert code.total([1.0, 2.0, 3.0]) == 6.0


def test_mean():
    assert code.mean([1.0, 3.0]) == 2.0


def test_read_counts_what_is_left_out():
    assert code.read("1\\nx\\n2\\n") == ([1.0, 2.0], 1)


def test_label_names_the_total():
    assert "3.0" in code.label([1.0, 2.0])


def test_only_lists_are_kept(tmp_path: Path):
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.md").touch()
    assert code.kept_in(tmp_path) == ["a.txt"]


async def test_execute(context):
    outputs = await code.execute(context, {"text": "1\\n3\\nx\\n"})
    assert outputs == {"total": 4.0, "mean": 2.0, "left_out": 1}
'''

TOTALS_MANIFEST = """\
name = "totals"
version = "1.0.0"
purpose = "Adds up the amounts in the lines of a text."
effect = "pure"
serves = ["total"]

[limits]
wall_seconds = 3.0

[inputs]
type = "object"
required = ["text"]
additionalProperties = false
[inputs.properties.text]
type = "string"

[outputs]
type = "object"
required = ["total", "mean", "left_out"]
[outputs.properties.total]
type = "number"
[outputs.properties.mean]
type = "number"
[outputs.properties.left_out]
type = "integer"

[[examples]]
inputs = { text = "1\\n3\\nx\\n" }
[examples.outputs]
total = 4.0
left_out = 1
"""

SLIP = '''\
"""Writes a slip for a list."""

from __future__ import annotations

from typing import Any

from totals.code import mean, read


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The mean of the list as a line of text."""
    amounts, _ = read(inputs["text"])
    return {"text": slip(amounts)}


def slip(amounts: list[float]) -> str:
    """One line."""
    return f"mean {mean(amounts)}"
'''

SLIP_MANIFEST = """\
name = "slip"
version = "1.0.0"
purpose = "Writes the mean of a list as a line of text."
effect = "pure"
serves = ["slip"]
depends_on = ["totals>=1.0"]

[inputs]
type = "object"
required = ["text"]
[inputs.properties.text]
type = "string"

[outputs]
type = "object"
required = ["text"]
[outputs.properties.text]
type = "string"
"""

SLIP_TESTS = """\
from slip import code


def test_slip():
    assert code.slip([1.0, 3.0]) == "mean 2.0"
"""

WORDS = '''\
"""Counts words."""

from __future__ import annotations

from typing import Any


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """How many words a text has."""
    return {"count": count(inputs["text"])}


def count(text: str) -> int:
    """Words are what blanks divide."""
    return len(text.split())
'''

WORDS_MANIFEST = """\
name = "words"
version = "1.0.0"
purpose = "Counts the words of a text."
effect = "pure"
serves = ["count"]

[inputs]
type = "object"
required = ["text"]
[inputs.properties.text]
type = "string"

[outputs]
type = "object"
required = ["count"]
[outputs.properties.count]
type = "integer"
"""

WORDS_TESTS = """\
from words import code


def test_count():
    assert code.count("two words") == 2
"""

BODY = {
    "capabilities/totals/capability.toml": TOTALS_MANIFEST,
    "capabilities/totals/README.md": "# Totals\n",
    CODE: TOTALS,
    TESTS: TOTALS_TESTS,
    "capabilities/slip/capability.toml": SLIP_MANIFEST,
    "capabilities/slip/code.py": SLIP,
    "capabilities/slip/tests/test_slip.py": SLIP_TESTS,
    "capabilities/words/capability.toml": WORDS_MANIFEST,
    "capabilities/words/code.py": WORDS,
    "capabilities/words/tests/test_words.py": WORDS_TESTS,
}

GOOD_MEAN = '''\


def mean(amounts: list[float]) -> float:
    """The arithmetic mean, 0 for nothing."""
    return total(amounts) / len(amounts) if amounts else 0.0
'''

CASE = Case(
    event_id=7,
    goal_id="G-0001",
    capability="totals",
    inputs={"text": ""},
    files={},
    done=(),
    chain=[{"name": "add", "capability": "totals", "inputs": {"text": ""}}],
)


def make_home(folder: Path) -> Home:
    """A home whose body is the three small capabilities."""
    source = Path(__file__).resolve().parents[2]
    folder.mkdir(mode=0o700)
    shutil.copyfile(source / "safety_rules.yaml", folder / "safety_rules.yaml")
    shutil.copytree(
        source / "src/autoclave/mind",
        folder / "mind",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name, text in BODY.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return Home(root=folder)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Where a candidate was stopped and why; `gate` is empty for one that may be approved."""

    gate: str
    reason: str
    evidence: Evidence | None = None

    @property
    def accepted(self) -> bool:
        return not self.gate

    def facts(self, gate: str) -> Mapping[str, object]:
        assert self.evidence is not None
        return next(each.facts for each in self.evidence.gates if each.name == gate)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The agent's own workshop, and candidates for it made easily."""

    control: Control
    home: Home

    @property
    def workshop(self) -> LibcstWorkshop:
        workshop = self.control._parts.workshop
        assert isinstance(workshop, LibcstWorkshop)
        return workshop

    def edit(
        self, operation: str = "replace", target: str = "mean", source: str = GOOD_MEAN, **more: str
    ) -> Edit:
        """An edit of a file as it stands; by default the good repair of `mean`."""
        file = more.pop("file", CODE)
        path = self.home.root / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        given = ABSENT
        if path.exists():
            given = (
                target_hash(text, target) if path.suffix == ".py" else digest_bytes(text.encode())
            )
        return Edit(
            operation=EditOperation(operation),
            file=file,
            target=target,
            target_hash=given,
            source=source,
            **more,
        )

    def and_also(self, source: str) -> list[Edit]:
        """The good repair with something more at the end of the same file."""
        return [self.edit(), self.edit("append", "", source)]

    def new_file(self, file: str, source: str = "x = 1\n") -> Edit:
        return self.edit("replace", "", source, file=file)

    async def try_edits(self, edits: Sequence[Edit], *, cases: Sequence[Case] = (CASE,)) -> Verdict:
        """What becomes of a candidate, from its edits to the last gate."""
        try:
            draft = self.workshop.draft(edits)
        except NotAllowed as error:
            return Verdict(gate="draft", reason=f"{', '.join(error.rules)}: {error.message}")
        except Refused as error:
            return Verdict(gate="draft", reason=error.message)
        return await self.try_draft(draft, cases=cases)

    async def try_draft(self, draft: Draft, *, cases: Sequence[Case] = (CASE,)) -> Verdict:
        """The same for a draft, whoever made it."""
        replay = CaseReplay(self.control._parts)
        evidence = await self.workshop.judge(draft, cases=cases, replay=replay)
        stopped = [each for each in evidence.gates if each.verdict is not GateVerdict.PASS]
        if not stopped:
            assert evidence.passed
            return Verdict(gate="", reason="", evidence=evidence)
        return Verdict(gate=stopped[0].name, reason=stopped[0].summary, evidence=evidence)

    def smuggle(self, data: bytes, *, path: str = CODE) -> Draft:
        """The good draft with other bytes in it than its edits make."""
        draft = self.workshop.draft([self.edit()])
        before = draft.changes.files[0].before if path == CODE else None
        changed = FileChange(path=path, before=before, after=data)
        return replace(draft, changes=ChangeSet((changed,)))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for all: judging changes nothing."""
    home = make_home(tmp_path_factory.mktemp("traitors") / "home")
    control = open_control(home)
    if not control._parts.sandbox.tiers():
        control.close()
        pytest.skip("no tier of the sandbox can be had here")
    yield Shop(control=control, home=home)
    control.close()


@pytest.fixture
def make_shop(tmp_path: Path) -> Iterator[Callable[[], Shop]]:
    """A shop over a home of its own, for what applies."""
    made: list[Control] = []

    def make() -> Shop:
        home = Home(root=tmp_path / "home") if made else make_home(tmp_path / "home")
        control = open_control(home)
        made.append(control)
        return Shop(control=control, home=home)

    yield make
    for control in made:
        asyncio.run(control.aclose())
