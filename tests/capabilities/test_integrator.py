"""Taking a capability in: five steps, the first failure stops, nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoclave.capabilities.discovery import discover
from autoclave.capabilities.integrator import Integration, Integrator
from autoclave.capabilities.registry import Registry
from autoclave.domain.errors import Conflict
from autoclave.domain.ports import Files, Sandbox

Make = Callable[..., Path]

EXAMPLE = """
[inputs]
type = "object"
[outputs]
type = "object"
[[examples]]
inputs = { a = 1 }
outputs = { a = 1 }
"""
TEST = """
import asyncio
from echo.code import execute

def test_echo(context):
    (context.workspace / "x").write_text("x")
    assert asyncio.run(execute(context, {"a": 2})) == {"a": 2}
"""
TESTS = {"tests/test_echo.py": TEST}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Where a user keeps a capability before it is added."""
    return tmp_path / "mine"


@pytest.fixture
def integrator(root: Path, sandbox: Sandbox, files: Files) -> Integrator:
    return Integrator(
        registry=lambda: Registry(discover([root]).manifests), sandbox=sandbox, files=files
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def failed_at(integration: Integration) -> tuple[str, str]:
    last = integration.steps[-1]
    assert not last.ok
    assert not integration.ok
    return last.name, last.summary


async def test_sound_capability_is_taken_in(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """All five steps, then it lies in its place with the bytes that were tried."""
    folder = make(schemas=EXAMPLE, files=TESTS, into=source)

    integration = await integrator.integrate(folder, root)

    assert [(s.name, s.ok) for s in integration.steps] == [
        ("validate", True),
        ("dependencies", True),
        ("safety", True),
        ("register", True),
        ("test", True),
    ]
    found = discover([root]).manifests
    assert [m.name for m in found] == ["echo"]
    assert integration.record == {"name": "echo", "version": "1.0.0", "tree": found[0].tree}
    assert names_in(root) == ["echo"]


async def test_broken_manifest_stops_at_once(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """Nothing is scanned, copied or run."""
    integration = await integrator.integrate(make(version="1", into=source), root)

    assert failed_at(integration)[0] == "validate"
    assert len(integration.steps) == 1
    with pytest.raises(Conflict, match="not enrolled"):
        _ = integration.record


async def test_code_without_execute_is_no_capability(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """Found by reading, not by importing."""
    folder = make(code="def execute(c, i):\n    return {}\n", into=source)

    step, why = failed_at(await integrator.integrate(folder, root))

    assert (step, why) == ("validate", "echo/code.py has no `async def execute`")


async def test_verifiable_one_must_verify(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """A promise in the manifest is held against the code."""
    folder = make(effect="verifiable", into=source)

    assert "no `async def verify`" in failed_at(await integrator.integrate(folder, root))[1]


async def test_missing_dependency_stops(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """What it needs has to be there first."""
    folder = make(depends_on=("gone",), into=source)

    step, why = failed_at(await integrator.integrate(folder, root))

    assert (step, why) == ("dependencies", "echo depends on gone, which is not offered")


async def test_undeclared_network_stops_before_anything_runs(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """The finding names the line; nothing was copied."""
    folder = make(code="import socket\nasync def execute(c, i):\n    return {}\n", into=source)

    integration = await integrator.integrate(folder, root)

    assert failed_at(integration) == (
        "safety",
        "code.py:1 imports socket without needs.network",
    )
    assert integration.findings[0].line == 1
    assert names_in(root) == []


async def test_same_version_again_is_refused(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """A name that is taken is only given to something newer."""
    make()
    folder = make(schemas=EXAMPLE, files=TESTS, into=source)

    step, why = failed_at(await integrator.integrate(folder, root))

    assert (step, why) == ("register", "echo 1.0.0 is there already; 1.0.0 is not newer")


@pytest.mark.slow
async def test_newer_version_replaces(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """After its tests, the new one lies in the place of the old one."""
    make()
    folder = make(version="1.1.0", schemas=EXAMPLE, files=TESTS, into=source)

    integration = await integrator.integrate(folder, root)

    assert integration.ok
    assert [m.version for m in discover([root]).manifests] == ["1.1.0"]
    assert names_in(root) == ["echo"]


async def test_example_that_fails_leaves_nothing_behind(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """What came and what was expected is said."""
    folder = make(
        schemas=EXAMPLE.replace("outputs = { a = 1 }", "outputs = { a = 2 }"), into=source
    )

    integration = await integrator.integrate(folder, root)

    assert failed_at(integration) == ("test", "example 1: a is 1, not 2")
    assert names_in(root) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tests", "why"),
    [
        ({}, "its tests folder holds no test"),
        ({"tests/test_a.py": "def test_a():\n    assert 1 == 2\n"}, "assert 1 == 2"),
        ({"tests/test_a.py": "def test_a():\n    import os\n    os._exit(0)\n"}, "NoAnswer"),
        ({"tests/test_a.py": "import nowhere\ndef test_a(): ...\n"}, "did not run"),
        (
            {"tests/test_a.py": "import pytest\n@pytest.mark.skip\ndef test_a(): ...\n"},
            "skipped",
        ),
        (
            {
                "tests/conftest.py": "def pytest_collection_modifyitems(items): items.clear()\n",
                "tests/test_a.py": "def test_a(): assert False\n",
            },
            "did not run",
        ),
        (
            {
                "tests/pytest.ini": "[pytest]\naddopts = --collect-only\n",
                "tests/test_a.py": "def test_a(): assert False\n",
            },
            "assert False",
        ),
    ],
)
async def test_tests_that_do_not_pass_stop(
    make: Make,
    source: Path,
    root: Path,
    integrator: Integrator,
    tests: dict[str, str],
    why: str,
) -> None:
    """Failing, skipped, never collected or cut short: none of it is success."""
    folder = make(schemas=EXAMPLE, files=tests, into=source)

    step, summary = failed_at(await integrator.integrate(folder, root))

    assert step == "test"
    assert why in summary
    assert names_in(root) == []


@pytest.mark.slow
async def test_parameters_of_a_test_all_count(
    make: Make, source: Path, root: Path, integrator: Integrator
) -> None:
    """One bad value of many is found."""
    test = """
    import pytest

    @pytest.mark.parametrize("x", [1, 2])
    def test_x(x):
        assert x == 1
    """
    folder = make(schemas=EXAMPLE, files={"tests/test_x.py": test}, into=source)

    assert "test_x[2]" in failed_at(await integrator.integrate(folder, root))[1]


async def test_example_with_files_and_changes(
    make: Make, root: Path, integrator: Integrator
) -> None:
    """An example starts with its files and says what they hold afterwards."""
    make(
        code="""
        async def execute(context, inputs):
            path = context.path("a.txt")
            path.write_text(path.read_text().upper())
            return {}
        """,
        more='[needs]\nworkspace = "write"\n',
        schemas="""
        [inputs]
        type = "object"
        [outputs]
        type = "object"
        [[examples]]
        inputs = {}
        outputs = {}
        files = {"a.txt" = "one"}
        changes = {"a.txt" = "ONE"}
        [[examples]]
        inputs = {}
        outputs = {}
        files = {"a.txt" = "one"}
        changes = {"a.txt" = "two"}
        """,
    )

    results = await integrator.try_examples(discover([root]).manifests[0])

    assert [result.ok for result in results] == [True, False]
    assert results[1].why == 'a.txt holds "ONE"'
