"""The goal as a script: fifty steps, and what each must have before its eyes to be decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoclave.domain.canonical import JsonObject

from .project import PACKAGE, Function, Project

GOAL = (
    "The tests of this project fail. Mend the functions that they name, and nothing else; note "
    "each in CHANGELOG.md under the heading that is there."
)
USES = ("edit_file", "list_files", "read_file", "run_tests", "search_files")
DONE = "complete_task"
ASK = "request_human_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A text that has to stand in the request, and where it is found again when it does not."""

    text: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One decision: what is said, which call is made, and what it takes to know that."""

    says: str
    call: str
    given: JsonObject
    needs: tuple[Need, ...] = ()


def story_of(project: Project, *, bugs: int = 6) -> list[Step]:
    """Look around, mend one bug after the other with a question in between, tell it, end."""
    chosen = project.bugs[:bugs]
    steps = list(_beginning())
    for number, bug in enumerate(chosen):
        steps += _mending(project, bug, looks_twice=number % 2 == 0, searches=number % 3 != 2)
        if number == bugs // 2:
            steps += [_question(bug)]
        if number == 1:
            steps += _aside()
    return [*steps, *_end(project, chosen)]


def _beginning() -> Iterator[Step]:
    yield _step("First I look at what there is.", "list_files", {})
    yield _step("The README says what this is for.", "read_file", {"path": "README.md"})
    yield _step("Now I see what fails.", "run_tests", {})
    rates = f"{PACKAGE}/rates.py"
    yield _step("All of them use rates; I read these.", "read_file", {"path": rates})
    users = {"pattern": "from ledger.rates", "glob": "*.py"}
    yield _step("Who uses them?", "search_files", users)
    yield _step("I look at how changes are noted.", "read_file", {"path": "CHANGELOG.md"})


def _mending(
    project: Project, bug: Function, *, looks_twice: bool, searches: bool
) -> Iterator[Step]:
    name = Need(text=bug.name, path=bug.test_path)
    if searches:
        yield _step(f"Where does {bug.name} stand?", "search_files", {"pattern": bug.name}, name)
    told = Need(text=f"assert {bug.name}(120, 7) ==", path=bug.test_path)
    yield _step("Its test says what is wanted.", "read_file", {"path": bug.test_path}, name)
    yield _step("And this is how it is done today.", "read_file", {"path": bug.path}, name)
    wanted = Need(
        text=f"{bug.test_line.format(project.expected[bug.name]).strip()}", path=told.path
    )
    wrong = Need(text=bug.wrong_line, path=bug.path)
    rate = Need(text=f"{bug.rate} = ", path=f"{PACKAGE}/rates.py")
    edit = {"path": bug.path, "old": bug.wrong_line, "new": bug.right_line}
    says = f"It takes away where it should add, and leaves {bug.rate} out; its test wants a sum."
    yield _step(says, "edit_file", edit, wanted, wrong, rate)
    check = {"paths": [bug.test_path]}
    yield _step("I check that alone.", "run_tests", check, Need(text=bug.test_path, path=bug.path))
    if looks_twice:
        again = {"path": bug.path}
        yield _step("I read it once more as it stands now.", "read_file", again)
        yield _step("And all the tests, for what else it moved.", "run_tests", {})


def _aside() -> Iterator[Step]:
    everywhere = {"pattern": "def split_", "glob": "*.py"}
    yield _step("What else splits amounts?", "search_files", everywhere)
    for name in ("payouts", "vouchers", "accounts", "calendar"):
        path = f"{PACKAGE}/{name}.py"
        yield _step(f"Does {name} do it in another way?", "read_file", {"path": path})


def _question(bug: Function) -> Step:
    asked = f"The rate {bug.rate} is not in the contract of this customer. Shall I use it?"
    needs = Need(text=bug.rate, path=bug.path)
    return _step("Only the person can know this.", ASK, {"question": asked}, needs)


def _end(project: Project, bugs: tuple[Function, ...]) -> Iterator[Step]:
    yield _step("Now everything together.", "run_tests", {})
    heading = f"## Unreleased {project.code}\n"
    lines = "".join(f"- `{bug.name}` adds what it took away.\n" for bug in bugs)
    known = [Need(text=bug.name, path=bug.path) for bug in bugs]
    told = {"path": "CHANGELOG.md", "old": heading, "new": f"{heading}\n{lines}"}
    under = Need(text=heading.strip(), path="CHANGELOG.md")
    yield _step("I note it.", "edit_file", told, under, *known)
    yield _step("And look at it.", "read_file", {"path": "CHANGELOG.md"})
    done = {"summary": f"{len(bugs)} functions add what they took away; all tests pass."}
    yield _step("That is all.", DONE, done)


def _step(says: str, call: str, given: JsonObject, *needs: Need) -> Step:
    return Step(says=says, call=call, given=given, needs=needs)
