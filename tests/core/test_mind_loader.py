"""Loading a mind: exactly the bytes that were digested, out of reach of the kernel's values."""

from __future__ import annotations

import py_compile
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import autoclave.mind
from autoclave.core.mind_loader import LoadedMind, load_mind
from autoclave.domain.errors import ConfigurationInvalid

SHIPPED = Path(autoclave.mind.__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mind of one module that says its name."""
    folder = tmp_path / "mind"
    folder.mkdir()
    (folder / "__init__.py").write_text("from .deciding import decide\n")
    (folder / "deciding.py").write_text("def decide(view):\n    return {'intent': 'first'}\n")
    return folder


def test_the_shipped_mind_decides(tmp_path: Path) -> None:
    """From a copy of its folder, as a home has one."""
    copy = tmp_path / "mind"
    shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("__pycache__"))

    mind = load_mind(copy)

    answer = mind.decide({"run": {"state": "IDLE", "text": "x"}})
    assert answer["intent"] == {"kind": "Recall", "query": "x"}
    assert mind.tree == load_mind(SHIPPED).tree


def test_another_byte_is_another_mind(folder: Path) -> None:
    """Both can be loaded in one process; neither is the other."""
    first = load_mind(folder)
    (folder / "deciding.py").write_text("def decide(view):\n    return {'intent': 'second'}\n")
    second = load_mind(folder)

    assert first.tree != second.tree
    assert first.decide({}) == {"intent": "first"}
    assert second.decide({}) == {"intent": "second"}


def test_planted_bytecode_has_no_effect(folder: Path) -> None:
    """Only sources are read."""
    evil = folder.parent / "evil.py"
    evil.write_text("def decide(view):\n    return {'intent': 'evil'}\n")
    cache = folder / "__pycache__"
    cache.mkdir()
    tag = sys.implementation.cache_tag
    py_compile.compile(str(evil), cfile=str(cache / f"deciding.{tag}.pyc"))
    py_compile.compile(str(evil), cfile=str(folder / "deciding.pyc"))

    assert load_mind(folder).decide({}) == {"intent": "first"}


@pytest.mark.parametrize(
    "source",
    [
        "def decide(view",
        "raise RuntimeError('no')",
        "import nothing_of_that_name",
        "from .nowhere import decide",
        "x = 1",
        "\0",
        "from ..core import driver",
    ],
)
def test_a_mind_that_does_not_load_is_one_clear_refusal(folder: Path, source: str) -> None:
    """It names the folder and what went wrong."""
    (folder / "__init__.py").write_text(source)

    with pytest.raises(ConfigurationInvalid, match=str(folder)):
        load_mind(folder)


def test_no_mind_at_all_says_how_to_get_one(tmp_path: Path) -> None:
    """Also where there is no folder."""
    with pytest.raises(ConfigurationInvalid) as caught:
        load_mind(tmp_path / "mind")

    assert "autoclave init" in caught.value.hint


def test_a_mind_gets_a_view_of_its_own() -> None:
    """What it does to it the kernel does not see, nor what it does to its answer later."""
    kept: list[Any] = []

    def meddle(view: Any) -> Any:
        view["results"]["step"] = "forged"
        kept.append({"intent": {"kind": "Finish"}})
        return kept[0]

    view: dict[str, Any] = {"results": {}}
    answer = LoadedMind("tree", meddle).decide(view)
    kept[0]["intent"]["kind"] = "Act"

    assert view == {"results": {}}
    assert answer == {"intent": {"kind": "Finish"}}


@pytest.mark.parametrize("answer", [None, [], {}, {"intent": {1}}, {"intent": float("nan")}])
def test_an_answer_that_is_no_json_object_with_an_intent_is_refused(answer: Any) -> None:
    """The driver turns it into a reason to park."""
    with pytest.raises((TypeError, ValueError)):
        LoadedMind("tree", lambda view: answer).decide({})
