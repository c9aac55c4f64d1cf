"""Minds: exactly the bytes that were digested, sealed, out of reach of the kernel's values."""

from __future__ import annotations

import py_compile
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import autoclave.mind
from autoclave.core.mind_loader import LoadedMind, load_mind
from autoclave.domain.errors import ConfigurationInvalid, InvalidInput
from autoclave.sandbox.sealed import SealedSandbox

SHIPPED = Path(autoclave.mind.__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mind of one module that says its name."""
    folder = tmp_path / "mind"
    folder.mkdir()
    (folder / "__init__.py").write_text("from .deciding import decide\n")
    (folder / "deciding.py").write_text("def decide(view):\n    return {'intent': 'first'}\n")
    return folder


@pytest.fixture
def sandbox(tmp_path: Path) -> SealedSandbox:
    """The real one; that it holds is shown elsewhere."""
    return SealedSandbox(base=tmp_path, require_self_test=False)


async def test_the_shipped_mind_decides(tmp_path: Path, sandbox: SealedSandbox) -> None:
    """From a copy of its folder, as a home has one."""
    copy = tmp_path / "mind"
    shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("__pycache__"))

    mind = load_mind(copy, sandbox)

    answer = await mind.decide({"run": {"state": "IDLE", "text": "x"}})
    assert answer["intent"] == {"kind": "Recall", "query": "x"}
    assert mind.tree == load_mind(SHIPPED, sandbox).tree


async def test_another_byte_is_another_mind(folder: Path, sandbox: SealedSandbox) -> None:
    """Both can be asked in turn; neither is the other."""
    first = load_mind(folder, sandbox)
    (folder / "deciding.py").write_text("def decide(view):\n    return {'intent': 'second'}\n")
    second = load_mind(folder, sandbox)

    assert first.tree != second.tree
    assert await first.decide({}) == {"intent": "first"}
    assert await second.decide({}) == {"intent": "second"}


async def test_planted_bytecode_has_no_effect(folder: Path, sandbox: SealedSandbox) -> None:
    """Only sources are read."""
    evil = folder.parent / "evil.py"
    evil.write_text("def decide(view):\n    return {'intent': 'evil'}\n")
    cache = folder / "__pycache__"
    cache.mkdir()
    tag = sys.implementation.cache_tag
    py_compile.compile(str(evil), cfile=str(cache / f"deciding.{tag}.pyc"))
    py_compile.compile(str(evil), cfile=str(folder / "deciding.pyc"))

    assert await load_mind(folder, sandbox).decide({}) == {"intent": "first"}


async def test_a_mind_reaches_nothing(folder: Path, sandbox: SealedSandbox) -> None:
    """No file of the user, no key in its environment, no network, and no process of ours."""
    (folder.parent / "secret").write_text("hidden")
    (folder / "deciding.py").write_text(
        "import os, socket\n"
        "def tried(what):\n"
        "    try:\n"
        "        what()\n"
        "        return 'done'\n"
        "    except OSError as error:\n"
        "        return type(error).__name__\n"
        "def decide(view):\n"
        f"    reads = tried(lambda: open({str(folder.parent / 'secret')!r}).read())\n"
        "    connects = tried(lambda: socket.create_connection(('127.0.0.1', 9)))\n"
        "    signals = tried(lambda: os.kill(view['pid'], 0))\n"
        "    keys = sorted(k for k in os.environ if 'KEY' in k)\n"
        "    return {'intent': [reads, connects, signals, keys]}\n"
    )

    answer = await load_mind(folder, sandbox).decide({"pid": 1})

    reads, connects, signals, keys = answer["intent"]
    assert "done" not in (reads, connects)
    assert signals != "done" or sandbox.tiers()[0] == "FULL"  # there, 1 is its own first process
    assert keys == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def decide(view", "SyntaxError"),
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("x = 1", "AttributeError"),
        ("from ..core import driver", "ImportError"),
        ("def decide(view): return float('nan')", "ValueError"),
        ("def decide(view): return 1", "an object that has an intent"),
        ("import os\nos._exit(0)", "without an answer"),
        ("def decide(view):\n    raise SystemExit", "SystemExit"),
    ],
)
async def test_a_broken_mind_is_one_clear_refusal(
    folder: Path, sandbox: SealedSandbox, source: str, said: str
) -> None:
    """It says what went wrong inside; the kernel goes on."""
    (folder / "__init__.py").write_text(source)

    with pytest.raises(InvalidInput, match=said):
        await load_mind(folder, sandbox).decide({})


def test_a_folder_without_a_mind_is_named(tmp_path: Path, sandbox: SealedSandbox) -> None:
    """With the way to make one."""
    with pytest.raises(ConfigurationInvalid, match="there is no mind"):
        load_mind(tmp_path / "mind", sandbox)


async def test_a_mind_cannot_change_what_is_the_kernels() -> None:
    """In this process as well: its view is a copy."""
    view = {"results": {"step": {"ok": True}}}

    def meddle(seen: Any) -> Any:
        seen["results"].clear()
        return {"intent": {}}

    await LoadedMind("tree", meddle).decide(view)

    assert view == {"results": {"step": {"ok": True}}}


@pytest.mark.parametrize("answer", [None, [], {}, {"intent": {1, 2}}])
async def test_what_is_no_answer_is_refused(answer: Any) -> None:
    """An object with an intent, made of JSON values."""
    with pytest.raises(InvalidInput):
        await LoadedMind("tree", lambda view: answer).decide({})
