"""The capabilities that ship: sound, scanned, tried in the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoclave.capabilities.discovery import Discovery, discover
from autoclave.capabilities.integrator import Integrator
from autoclave.capabilities.registry import Registry
from autoclave.capabilities.runner import SealedToolbox
from autoclave.capabilities.scan import scan
from autoclave.capabilities.trees import read_tree
from autoclave.domain.ports import Files, Sandbox

SHIPPED = Path(__file__).parents[2] / "capabilities"
BASIC = (
    "fetch_page",
    "edit_file",
    "inspect_python",
    "list_files",
    "parse_table",
    "read_file",
    "recall_knowledge",
    "render_report",
    "render_text",
    "run_command",
    "search_files",
    "write_file",
)


@pytest.fixture(scope="module")
def found() -> Discovery:
    return discover([SHIPPED])


def test_all_of_them_are_offered(found: Discovery) -> None:
    """None is broken and every dependency is there."""
    registry = Registry(found.manifests)

    assert found.broken == ()
    assert registry.refused == {}
    assert set(BASIC) <= {manifest.name for manifest in registry.offered}


@pytest.mark.parametrize("name", BASIC)
def test_code_keeps_to_its_needs(found: Discovery, name: str) -> None:
    """The scan that strangers have to pass is passed by ours."""
    manifest = Registry(found.manifests).get(name)

    findings = scan(read_tree(manifest.folder), manifest.needs)

    assert [finding for finding in findings if finding.refuses] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", BASIC)
async def test_examples_and_tests_pass_sealed(
    found: Discovery, sandbox: Sandbox, files: Files, name: str
) -> None:
    """What is shipped does in the sandbox what its manifest says."""
    registry = Registry(found.manifests)
    integrator = Integrator(registry=lambda: registry, sandbox=sandbox, files=files)
    manifest = registry.get(name)

    examples = await integrator.try_examples(manifest)
    tests = await integrator.try_tests(manifest)

    assert len(examples) >= 2
    assert [result for result in examples + tests if not result.ok] == []


async def test_chain_from_file_to_report(
    found: Discovery, sandbox: Sandbox, files: Files, tmp_path: Path
) -> None:
    """Each output is the next one's input, and the last one changes a file."""
    (tmp_path / "data.csv").write_text("name,age\nAda,36\nGrace,85\n")
    box = SealedToolbox(registry=Registry(found.manifests), sandbox=sandbox, files=files)

    async def run(name: str, **inputs: object) -> dict[str, object]:
        result = await box.run(name, inputs, workspace=tmp_path, key=name)
        assert result.failure is None
        files.apply(tmp_path, result.changes)
        return result.outputs

    text = (await run("read_file", path="data.csv"))["text"]
    table = (await run("parse_table", text=text))["table"]
    report = (await run("render_report", value=table, title="People"))["text"]
    await run("write_file", path="out/people.md", text=report)

    assert (tmp_path / "out/people.md").read_text() == (
        "# People\n\n"
        "| name  | age |\n| ----- | --: |\n| Ada   |  36 |\n| Grace |  85 |\n\n"
        "2 rows.\n"
    )
