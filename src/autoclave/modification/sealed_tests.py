"""Runs inside the sandbox: the tests of some capabilities, and a report on each of them.

Started as `python -I -B sealed_tests.py`; the request comes on standard input, the report goes to
descriptor 3, which the code under test never sees. Nothing of the kernel is imported.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import inspect
import json
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_LONGEST_MESSAGE = 1_500


class Report:
    """The outcome of every test by its id, as pytest's own machinery tells it."""

    def __init__(self) -> None:
        self.collected: list[str] = []
        self.outcomes: dict[str, str] = {}
        self.messages: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected = [item.nodeid for item in session.items]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._failed(report.nodeid, report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed(report.nodeid, report.longreprtext)
        elif report.skipped or report.when == "call":
            self.outcomes.setdefault(report.nodeid, report.outcome)

    def _failed(self, test: str, text: str) -> None:
        self.outcomes[test] = "failed"
        self.messages[test] = text[-_LONGEST_MESSAGE:]


class Helpers:
    """Runs `async def` tests, and gives the `context` fixture that capabilities' tests ask for."""

    def __init__(self, fresh_context: Callable[[Path], Any] | None) -> None:
        self._fresh_context = fresh_context

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        if not inspect.iscoroutinefunction(pyfuncitem.obj):
            return None
        names = pyfuncitem._fixtureinfo.argnames
        asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
        return True

    @pytest.fixture
    def context(self, tmp_path: Path) -> Any:
        """A context over an empty workspace."""
        if self._fresh_context is None:
            pytest.fail("no context was given to these tests")
        return self._fresh_context(tmp_path)


def main() -> None:
    """Answer the one request and end the process, whatever threads are left behind."""
    request = json.loads(sys.stdin.buffer.read())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    channel = fcntl.fcntl(3, fcntl.F_DUPFD_CLOEXEC, 64 + secrets.randbelow(64))
    os.close(3)
    nonce = request.pop("nonce")
    report = Report()
    _run(request, report)
    reply = {
        "nonce": nonce,
        "collected": report.collected,
        "outcomes": report.outcomes,
        "messages": report.messages,
    }
    with open(channel, "wb") as stream:  # noqa: PTH123  (a descriptor, not a path)
        stream.write(_json(reply).encode())
    os._exit(0)


def _json(value: Any) -> str:
    """JSON of text, lists and dicts. By then the code under test may have changed `json` itself."""
    if isinstance(value, dict):
        pairs = [f"{_json(key)}:{_json(each)}" for key, each in value.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join([_json(each) for each in value]) + "]"
    return '"' + "".join([_escaped(character) for character in value]) + '"'


def _escaped(character: str) -> str:
    plain = character.isascii() and character.isprintable() and character not in '"\\'
    code = ord(character)
    if plain:
        return character
    if code > 0xFFFF:
        return f"\\u{0xD800 + ((code - 0x10000) >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def _run(request: dict[str, Any], report: Report) -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    work = Path.cwd()
    settings = work / "pytest.ini"
    settings.write_text("[pytest]\nmarkers =\n    slow\n    chaos\n", encoding="utf-8")
    # Compiled code beside the sources could say something else than they do.
    sys.dont_write_bytecode = True
    sys.pycache_prefix = str(work / "no-cache")
    sys.path.append(request["root"])
    arguments = [
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        "--continue-on-collection-errors",
        f"--config-file={settings}",
        f"--rootdir={request['root']}",
        f"--confcutdir={request['root']}",
        f"--basetemp={work / 'tests'}",
        *(["--collect-only"] if request["collect_only"] else []),
        *request["paths"],
    ]
    pytest.main(arguments, plugins=[report, Helpers(_fresh_context(request["helpers"]))])


def _fresh_context(file: str) -> Callable[[Path], Any] | None:
    spec = importlib.util.spec_from_file_location("_test_helpers", file) if file else None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_test_helpers"] = module
    spec.loader.exec_module(module)
    make: Callable[[Path], Any] = module.fresh_context
    return make


if __name__ == "__main__":
    main()
