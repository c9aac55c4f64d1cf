"""What a mind is made of: computing passes, reaching out and keeping do not."""

from __future__ import annotations

from pathlib import Path

import pytest

import autoclave.mind
from autoclave.modification.mind_purity import impurities, intents_named

MIND = sorted(Path(autoclave.mind.__file__).parent.glob("*.py"))
OWN = frozenset(path.stem for path in MIND)
_USUAL = {"reach: .__name__"}
"""The name of a type is no power; a change that adds more of it is still looked at."""


@pytest.mark.parametrize("path", MIND, ids=lambda path: path.stem)
def test_the_shipped_mind_only_computes(path: Path) -> None:
    """Nothing in it would be refused in a change."""
    assert set(impurities(path.read_text(encoding="utf-8"), own=OWN)) <= _USUAL


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import time\n", "reach: time"),
        ("from random import choice\n", "reach: random"),
        ("import json\ndef f(): return json.codecs\n", "reach: json.codecs"),
        ("from json import codecs\n", "reach: json.codecs"),
        ("from types import FunctionType\n", "reach: types.FunctionType"),
        ("from ..core import driver\n", "reach: ..core"),
        ("from .nothing_of_ours import x\n", "reach: .nothing_of_ours"),
        ("def f(x): return hash(x)\n", "reach: hash"),
        ("def f(x): return x.__dict__\n", "reach: .__dict__"),
        ("_N = 0\ndef f():\n    global _N\n    _N = 1\n", "state: global _N"),
        ("_S = {'a': 1}\ndef f(): _S.update(a=2)\n", "state: _S is changed"),
        ("_S = {'a': [1]}\ndef f():\n    s = _S['a']\n    s.append(1)\n", "state: s is changed"),
        ("def f():\n    f.count = 1\n", "state: f is written to"),
        ("def f(seen=[]): return seen\n", "state: default [] stays"),
        ("class A:\n    seen = {}\n", "state: A shares seen = {}"),
        ("_SEEN: list[int] = []\n", "state: _SEEN: list[int] = [] is there to be filled"),
        ("_G = (n for n in (1, 2))\ndef f(): return next(_G)\n", "state: _G goes on"),
        ("def g(f): return f\n@g\ndef h(): pass\n", "state: decorator g"),
        ("from functools import lru_cache as c\n@c\ndef f(): pass\n", "state: functools.lru_cache"),
    ],
)
def test_more_than_computing_is_named(source: str, found: str) -> None:
    """By the place where it is."""
    assert found in impurities(source, own=OWN)


@pytest.mark.parametrize(
    "source",
    [
        "import re\n_WORD = re.compile('x')\ndef f(t): return _WORD.findall(t)\n",
        "from collections import Counter\ndef f(w):\n    c = Counter(w)\n    c.update(w)\n",
        "_ORDER = ('a', 'b')\ndef f():\n    found = []\n    found.append(_ORDER[0])\n",
        "from dataclasses import dataclass, field\n@dataclass\nclass A:\n"
        "    open: list[int] = field(default_factory=list)\n",
        "from .views import reply\nimport json\ndef f(x): return json.dumps(x, sort_keys=True)\n",
    ],
)
def test_computing_is_left_alone(source: str) -> None:
    """Local values may be changed at will."""
    assert not impurities(source, own=OWN)


def test_the_kinds_of_intents_that_a_source_names_are_counted() -> None:
    """So that a new one is shown to people."""
    assert intents_named("a = 'Search'\nb = {'kind': 'Search'}\nc = 'search'\n") == {"Search": 2}
