"""Real homes, real projects and the real sandbox, for whole stories."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.core.conftest import postgres_schema, postgres_server
from tests.fakes_owner import Person

from autoclave.domain.canonical import JsonObject
from autoclave.domain.risk import Risk
from autoclave.service import demo
from autoclave.service.control import Control
from autoclave.service.goals import Answer, GoalSpec
from autoclave.service.home import Home, init_home
from autoclave.settings import Settings
from autoclave.wiring import open_control

__all__ = ["postgres_schema", "postgres_server"]

collect_ignore = ["models"]
"""Scripts, and a capability whose tests run sealed."""

ME = "person:test"
DEMO_DATA = Path(demo.__file__).parent / "demo_data"
Tree: TypeAlias = dict[str, bytes]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A new home of its own."""
    return init_home(tmp_path / "home").home


@pytest.fixture
async def control(home: Home) -> AsyncIterator[Control]:
    """The one door to it."""
    async with opened(home) as control:
        yield control


@asynccontextmanager
async def opened(home: Home, **settings: Any) -> AsyncIterator[Control]:
    control = open_control(home, settings=Settings(**settings))
    try:
        yield control
    finally:
        await control.aclose()


@pytest.fixture
def open_home() -> Callable[..., Any]:
    """Opens a further door to a home: `async with open_home(home) as control`."""
    return opened


@pytest.fixture
def project(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Makes a folder of text files."""

    def make(files: dict[str, str]) -> Path:
        folder = tmp_path / "work"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return make


def tree_of(folder: Path) -> Tree:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def tree() -> Callable[[Path], Tree]:
    """Every file below a folder with its bytes."""
    return tree_of


@pytest.fixture(scope="session")
def proposing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home that has learned of a bug and waits with a proposal for it.

    It takes seconds to get there, so every story about proposals begins with a copy.
    """
    root = tmp_path_factory.mktemp("proposing")
    with _running_loop() as run:
        run(_get_to_a_proposal(root))
    return root


@contextmanager
def _running_loop() -> Iterator[Callable[[Any], Any]]:
    import asyncio

    with asyncio.Runner() as runner:
        yield runner.run


async def _get_to_a_proposal(root: Path) -> None:
    home = init_home(root / "home").home
    shutil.copytree(DEMO_DATA / "workspace", root / "work")
    async with opened(home) as control:
        await begin_story(control, root / "work")
        found = await control.improve()
    assert [each["status"] for each in found["proposals"]] == ["waiting"], found


async def begin_story(control: Control, work: Path) -> list[str]:
    """A capability with a bug, and two goals that meet it."""
    await Person().add_capability(control, DEMO_DATA / "describe_table")
    goals = []
    for name in ("latencies", "orders"):
        spec = GoalSpec(
            text=f"describe {name}.csv and write a report to {name}.md",
            workspace=work,
            done=("python", "check_report.py", f"{name}.csv", f"{name}.md"),
            allow_up_to=Risk.R1,
        )
        goals.append((await control.add_goal(spec, by=ME))["id"])
    await control.run_again(goals)
    assert {(await control.goal(goal))["status"] for goal in goals} == {"failed"}
    return goals


@pytest.fixture
def story() -> Callable[[Control, Path], Any]:
    """Brings a home to where two goals have failed for the same reason."""
    return begin_story


@pytest.fixture
def waiting(proposing: Path, tmp_path: Path) -> Home:
    """A copy of the home that waits with a proposal; it was never opened."""
    shutil.copytree(proposing / "home", tmp_path / "home", symlinks=True)
    return Home(root=tmp_path / "home")


class Said:
    """A person at the door: answers every question in the same way and remembers them."""

    def __init__(self, *, yes: bool, reason: str = "") -> None:
        self._answer = Answer(yes=yes, reason=reason, by=ME)
        self.questions: list[JsonObject] = []

    async def __call__(self, question: JsonObject) -> Answer:
        self.questions.append(question)
        return self._answer


@pytest.fixture
def says() -> type[Said]:
    return Said
