"""Powers are judged as a difference, names resolved through aliases."""

from __future__ import annotations

import pytest

from autoclave.modification.powers import new_powers, powers


def test_what_was_there_before_is_no_new_power() -> None:
    """Code may go on doing what it did, in another place."""
    before = {"a.py": "import subprocess\nsubprocess.run(['x'])\n"}
    after = {"a.py": "", "b.py": "import subprocess\nsubprocess.run(['y'])\n"}

    assert not new_powers(before, after)


def test_more_of_the_same_is_new() -> None:
    """One call of eval does not open the door for a second."""
    before = {"a": "def f(): eval('1')\n"}
    after = {"a": "def f(): eval('1'), eval('2')\n"}

    assert new_powers(before, after) == {"eval: eval": 1}


@pytest.mark.parametrize(
    "source",
    [
        "import json\njson.loads('1')\n",
        "import os\nos.path.join('a', 'b')\n",
        "from pathlib import Path\nPath('x').read_text()\n",
        "import re\nre.compile('x')\n",
        "class A:\n    def eval(self): return 1\nA().eval()\n",
        "getattr(1, 'real')\n",
        "import sys\nsys.version_info\n",
    ],
)
def test_ordinary_code_has_none(source: str) -> None:
    """Else every repair would be a false alarm."""
    assert not powers(source)


def test_look_alike_names_are_seen_through() -> None:
    """Python reads the full-width name as the plain one, and so do we."""
    assert powers("\uff45\uff56\uff41\uff4c('1')\n") == {"eval: eval": 1}


def test_own_modules_are_no_dependency() -> None:
    """The capability's name and modules beside it."""
    assert not powers("import mean.code\nimport helper\n", own=frozenset({"mean", "helper"}))
    assert powers("import helper\n") == {"dependency: helper": 1}
