"""Section E of the corpus: source that is not what it seems. Numbers are the corpus's."""

from __future__ import annotations

import codecs
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autoclave.capabilities.discovery import discover
from autoclave.capabilities.scan import scan
from autoclave.capabilities.trees import Tree
from autoclave.domain.capability import Needs
from autoclave.domain.changes import ABSENT
from autoclave.domain.errors import AutoclaveError, InvalidInput, Refused
from autoclave.domain.proposal import Draft, Edit, EditOperation
from autoclave.modification.body import Body
from autoclave.modification.circumstances import circumstances
from autoclave.modification.drafting import make_draft
from autoclave.modification.powers import new_powers, parsed
from autoclave.modification.source_form import decode, parse
from autoclave.modification.surface import Surface
from autoclave.modification.targets import target_hash

pytestmark = pytest.mark.slow
CODE = "capabilities/greet/code.py"
GOOD = '"""Greets."""\n\n\ndef greet() -> str:\n    return "hello"\n'
MANIFEST = """\
name = "greet"
version = "1.0.0"
purpose = "Greets."
effect = "pure"
"""


def drafted(edit: Edit, folder: Path) -> Draft:
    """What the agent's own workshop makes of an edit."""
    files = {CODE: GOOD.encode(), "capabilities/greet/capability.toml": MANIFEST.encode()}
    return make_draft(
        [edit], Body(files=files), surface=Surface(prefixes=("capabilities",)), root=folder
    )


def as_new_file(source: str) -> Edit:
    return Edit(
        operation=EditOperation.REPLACE,
        file="capabilities/greet/more.py",
        target="",
        target_hash=ABSENT,
        source=source,
    )


def as_the_module(source: str) -> Edit:
    return Edit(
        operation=EditOperation.REPLACE,
        file=CODE,
        target="",
        target_hash=target_hash(GOOD, ""),
        source=source,
    )


def as_a_function(source: str) -> Edit:
    return Edit(
        operation=EditOperation.INSERT_AFTER,
        file=CODE,
        target="greet",
        target_hash=target_hash(GOOD, "greet"),
        source=source,
    )


WAYS = [as_new_file, as_the_module, as_a_function]


@pytest.mark.parametrize("way", WAYS)
def test_ordinary_source_is_taken(way: Callable[[str], Edit], tmp_path: Path) -> None:
    """Otherwise the refusals below would say nothing."""
    draft = drafted(way("def also() -> str:\n    return 'ü'\n"), tmp_path)

    assert len(draft.changes.files) == 1


HIDDEN_CODE = "+AAo-import os+AAo-"
"""A comment in UTF-8; in UTF-7 a comment, an import and another line."""
DISGUISED = {
    "a cookie": f"# -*- coding: utf-7 -*-\n# {HIDDEN_CODE}\n",
    "a cookie in the second line": f"# x\n# vim: set fileencoding=utf-7 :\n# {HIDDEN_CODE}\n",
    "a cookie after a form feed": f"\f# coding=utf-7\n# {HIDDEN_CODE}\n",
    "any other cookie": "# coding: latin-1\nx = 'ü'\n",
    "a carriage return": "x = 1  # a comment\rimport os\n",
    "a carriage return in a text": "x = '''a\r'''\n",
    "a byte order mark": "\ufeffx = 1\n",
    "a byte order mark and a cookie": f"\ufeff# coding: utf-8\n# {HIDDEN_CODE}\n",
    "a NUL": "x = 1  # \0\n",
    "half a character": "x = '\udcff'\n",
    "a form feed": "x = 1  # a comment\fy\n",
    "another line end": "x = 1  # a comment\u2028import os\n",
    "one that turns the line around": "x = 1  # \u202e\u2066 }\n",
}


def test_python_would_run_what_is_hidden(tmp_path: Path) -> None:
    """Item 86: the attack is real, so the tests below are not about nothing."""
    for name in ("a cookie", "a carriage return"):
        program = tmp_path / "program.py"
        program.write_bytes((DISGUISED[name] + "print(os.name)\n").encode())
        done = subprocess.run([sys.executable, "-I", program], capture_output=True, check=False)
        assert done.stdout == b"posix\n", done.stderr


@pytest.mark.parametrize("name", DISGUISED)
@pytest.mark.parametrize("way", WAYS)
def test_source_in_another_form(name: str, way: Callable[[str], Edit], tmp_path: Path) -> None:
    """Item 86: UTF-8 without a mark or a cookie, LF alone, nothing that no editor shows."""
    source = DISGUISED[name]
    if way is as_a_function:  # a function that begins as the file would
        source += "\n\ndef also() -> None: ...\n"
        if "cookie" in name and "mark" not in name:
            pytest.skip("in the middle of a file a cookie is a comment")

    with pytest.raises(Refused):
        drafted(way(source), tmp_path)


@pytest.mark.parametrize("name", DISGUISED)
def test_folders_that_are_enrolled(name: str) -> None:
    """Item 86: new capabilities come by another way, to the same end."""
    data = DISGUISED[name].encode("utf-8", "surrogatepass")

    found = scan(Tree(files={"code.py": data}, executable=frozenset()), Needs())

    assert any(finding.refuses for finding in found)


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE])
def test_bytes_with_a_mark(mark: bytes) -> None:
    """Item 86: files that stand on the disk already are read as strictly."""
    with pytest.raises(InvalidInput):
        decode(mark + b"x = 1\n", CODE)


NEWER = {
    "quotes inside an f-string": "x = f'{'a'}'\n",
    "a comment inside an f-string": 'x = f"""{\n1  # one\n}"""\n',
    "a backslash inside an f-string": "x = f'{\"\\n\"}'\n",
    "a type statement": "type Text = str\n",
    "generics": "def first[T](given: list[T]) -> T:\n    return given[0]\n",
    "a generic class": "class Box[T]: ...\n",
    "a default for a type": "class Box[T = int]: ...\n",
    "a template": "x = t'{1}'\n",
    "except without brackets": "try: ...\nexcept ValueError, TypeError: ...\n",
}
NONSENSE = {
    "return at the top": "return 1\n",
    "await at the top": "await x\n",
    "break at the top": "break\n",
    "nonlocal at the top": "nonlocal x\n",
    "a late future": "x = 1\nfrom __future__ import annotations\n",
    "an argument twice": "def f(a, a): ...\n",
    "star to nothing": "*x\n",
    "a duplicate keyword": "f(a=1, a=2)\n",
    "print as it was": "print 1\n",
    "assigning to None": "None = 1\n",
    "deleting a call": "del f()\n",
}


def _compiles(source: str) -> bool:
    try:
        compile(source, "x", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def test_libcst_alone_would_take_some() -> None:
    """Item 88: the gap between the parsers is real."""
    import libcst

    gaps = [text for text in (*NEWER.values(), *NONSENSE.values()) if not _compiles(text)]
    taken = 0
    for text in gaps:
        try:
            libcst.parse_module(text)
        except libcst.ParserSyntaxError:
            continue
        taken += 1

    assert taken >= 5


@pytest.mark.parametrize("name", [*NEWER, *NONSENSE])
@pytest.mark.parametrize("way", WAYS)
def test_what_the_running_python_does_not_take(
    name: str, way: Callable[[str], Edit], tmp_path: Path
) -> None:
    """Item 88: both have to take the file; the Python that will run it has the last word."""
    source = {**NEWER, **NONSENSE}[name]
    if _compiles(source):
        pytest.skip("this Python takes it")

    with pytest.raises(AutoclaveError):
        drafted(way(source), tmp_path)


ENTRANCES = """\
from __future__ import annotations
import sys
from pathlib import Path

def mark(*given, **more):
    Path({marker!r}).write_text(repr(sys.argv))
    return mark

mark()
exec("mark()")

class Meta(type):
    def __new__(mcs, *given, **more):
        mark()
        return super().__new__(mcs, *given)
    def __init_subclass__(cls, **more):
        mark()

class Base(metaclass=Meta):
    x = mark()
    def __init_subclass__(cls, **more):
        mark()
    def __class_getitem__(cls, given):
        return mark()
    def __set_name__(self, owner, name):
        mark()

class Child(Base):
    pass

@mark
def decorated(x: mark() = mark(), *y: Base[1]) -> mark(): ...

def __getattr__(name):
    return mark()

lambda_default = (lambda x=mark(): x)()

async def execute(context, inputs):
    return {{}}
"""


def test_nothing_of_a_candidate_runs_outside(tmp_path: Path) -> None:
    """Item 89: found, read, scanned, edited and judged by those gates that only read."""
    marker = tmp_path / "ran"
    source = ENTRANCES.format(marker=str(marker))
    folder = tmp_path / "capabilities" / "greet"
    folder.mkdir(parents=True)
    (folder / "capability.toml").write_text(MANIFEST)
    (folder / "code.py").write_text(source)
    (folder / "__init__.py").write_text(source)
    (folder / "verify.py").write_text(source)
    before = set(sys.modules)

    discover([tmp_path / "capabilities"])
    scan(Tree(files={"code.py": source.encode()}, executable=frozenset()), Needs())
    drafted(as_new_file(source), tmp_path)
    drafted(as_the_module(source), tmp_path)
    parse(source, CODE)
    new_powers({}, {CODE: source}, own=frozenset({"greet"}))
    circumstances(parsed(source))

    assert not marker.exists()
    assert not [name for name in set(sys.modules) - before if "greet" in name or name == "code"]


def test_the_entrances_are_open(tmp_path: Path) -> None:
    """Item 89: whoever did import it would run it."""
    marker = tmp_path / "ran"
    (tmp_path / "greet.py").write_text(ENTRANCES.format(marker=str(marker)))

    subprocess.run([sys.executable, "-c", "import greet"], cwd=tmp_path, check=True)

    assert marker.exists()
