"""The scan: what contradicts the needs, what is only remarked, what is fine."""

from __future__ import annotations

import pytest

from autoclave.capabilities.scan import Finding, scan
from autoclave.capabilities.trees import Tree
from autoclave.domain.capability import Needs


def look(code: str | bytes, *, needs: Needs | None = None, path: str = "code.py") -> list[Finding]:
    data = code if isinstance(code, bytes) else code.encode()
    return list(scan(Tree(files={path: data}, executable=frozenset()), needs or Needs()))


@pytest.mark.parametrize(
    "code",
    [
        "import socket",
        "import urllib.request as parse",
        "from urllib import request",
        "import subprocess",
        "from subprocess import run",
        "import os; os.system('ls')",
        "import os as o; o.execv('ls', [])",
        "from os import popen",
        "import os; getattr(os, 'system')('ls')",
        "import asyncio; asyncio.create_subprocess_exec('ls')",
        "import ctypes",
        "import pickle",
        "eval('1')",
        "import builtins; builtins.exec('1')",
        "run = exec",
        "__import__('socket')",
        "().__class__.__base__.__subclasses__()",
        "getattr((), '__subclasses__')",
        "(lambda: 0).__globals__",
        "\uff45\uff58\uff45\uff43('1')",
        "x = (",
        b"x = 1\r\ny = 2\r\n",
        b"\xef\xbb\xbfx = 1",
        b"x = '\xff'",
        b"x = 1\0",
        b"# coding: utf-7\nx = 1",
        b"# -*- coding: latin-1 -*-\nx = 1",
    ],
)
def test_what_no_needs_admit_is_refused(code: str | bytes) -> None:
    """Each of them is found in the plain form and in its common disguises."""
    assert any(finding.refuses for finding in look(code))


@pytest.mark.parametrize(
    "code",
    [
        "from urllib.parse import quote",
        "import re; re.compile('x')",
        "import json, csv, ast, pathlib, asyncio",
        "import os; os.path.join('a', 'b')",
        "def evaluate(x): return x",
        "'import socket'",
        "# -*- coding: utf-8 -*-\nx = 'grün'",
        "self.__init__()",
    ],
)
def test_ordinary_code_has_no_findings(code: str) -> None:
    """Honest code is not bothered."""
    assert look(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "import importlib",
        "compile('x', 'y', 'eval')",
        "getattr(x, name)",
        "größe = 1",
        "x.__dict__",
    ],
)
def test_unusual_code_is_remarked(code: str) -> None:
    """A reader should see it; it is no contradiction."""
    findings = look(code)

    assert findings
    assert not any(finding.refuses for finding in findings)


def test_declared_needs_allow_what_they_name() -> None:
    """The manifest is what a person approves."""
    needs = Needs(commands=("git",), network=("example.org",))

    assert look("import subprocess, socket, os\nos.execv('git', [])", needs=needs) == []


@pytest.mark.parametrize("path", ["lib.so", "code.pyc", "data/model.bin"])
def test_binary_file_is_refused(path: str) -> None:
    """Nobody can read it, so nobody can approve it."""
    assert look(b"\x7fELF\0", path=path)[0].message == "a binary file"


def test_finding_has_file_and_line() -> None:
    """A person finds the place at once."""
    finding = look("x = 1\n\nimport socket\n", path="inner/net.py")[0]

    assert (finding.file, finding.line, finding.rule) == ("inner/net.py", 3, "network")
