"""Folders with capabilities to try, and the ports they are tried over."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest
from tests.fakes_sealed import PlainFiles, UnsealedSandbox

from autoclave.capabilities.discovery import discover
from autoclave.capabilities.registry import Registry
from autoclave.capabilities.runner import SealedToolbox
from autoclave.domain.ports import Files, Sandbox
from autoclave.sandbox.files import SafeFiles
from autoclave.sandbox.sealed import SealedSandbox

MakeCapability = Callable[..., Path]

HEAD = """
name = "{name}"
version = "{version}"
purpose = "Does a thing."
effect = "{effect}"
depends_on = {depends_on}
"""

SCHEMAS = """
[inputs]
type = "object"
[outputs]
type = "object"
"""

ECHO = """
async def execute(context, inputs):
    return dict(inputs)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder for capabilities."""
    folder = tmp_path / "capabilities"
    folder.mkdir()
    return folder


@pytest.fixture
def make(root: Path) -> MakeCapability:
    """Writes a capability folder: its code, the rest of its manifest, further files."""

    def write(
        name: str = "echo",
        code: str = ECHO,
        *,
        more: str = "",
        version: str = "1.0.0",
        effect: str = "idempotent",
        depends_on: tuple[str, ...] = (),
        schemas: str = SCHEMAS,
        files: dict[str, str] | None = None,
        into: Path | None = None,
    ) -> Path:
        folder = (into or root) / name
        folder.mkdir(parents=True)
        depends = str(list(depends_on))
        head = HEAD.format(name=name, version=version, effect=effect, depends_on=depends)
        (folder / "capability.toml").write_text(head + dedent(more) + schemas)
        (folder / "code.py").write_text(dedent(code))
        for path, text in (files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(dedent(text))
        return folder

    return write


@pytest.fixture(params=["sealed", pytest.param("unsealed", marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest) -> str:
    """The same tests hold over the fakes and over the real sandbox."""
    return str(request.param)


@pytest.fixture
def sandbox(kind: str) -> Sandbox:
    return UnsealedSandbox() if kind == "unsealed" else _sealed()


@pytest.fixture
def files(kind: str) -> Files:
    return PlainFiles() if kind == "unsealed" else SafeFiles()


@cache
def _sealed() -> SealedSandbox:
    # One for all tests: its self-test takes longer than they do.
    return SealedSandbox(base=Path(tempfile.gettempdir()))


@pytest.fixture
def toolbox(root: Path, sandbox: Sandbox, files: Files) -> Callable[[], SealedToolbox]:
    """Builds a toolbox over everything that lies in `root` by then."""

    def build() -> SealedToolbox:
        registry = Registry(discover([root]).manifests)
        return SealedToolbox(registry=registry, sandbox=sandbox, files=files)

    return build


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A user's folder with one file."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    return folder
