"""Runs a capability's own tests inside the sandbox and says test by test what came of them.

Loaded by `host.py`; nothing of the kernel is imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest


class Fixtures:
    """What the tests of every capability may ask for."""

    def __init__(self, fresh_context: Callable[[Path], Any]) -> None:
        self._fresh_context = fresh_context

    @pytest.fixture
    def context(self, tmp_path: Path) -> Any:
        """A context over an empty workspace."""
        return self._fresh_context(tmp_path)


class Report:
    """Collects the outcome of every test by its id."""

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
        self.messages[test] = text[-2_000:]


def run(request: Mapping[str, Any], fresh_context: Callable[[Path], Any]) -> dict[str, Any]:
    """Run the tests of the capability that a request names."""
    folder = Path(request["packages"][request["name"]])
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    settings = Path(request["scratch"]) / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    report = Report()
    code = pytest.main(_arguments(folder, settings), plugins=[report, Fixtures(fresh_context)])
    return {
        "collected": report.collected,
        "outcomes": report.outcomes,
        "messages": report.messages,
        "exit_code": int(code),
    }


def _arguments(folder: Path, settings: Path) -> list[str]:
    return [
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        f"--config-file={settings}",
        f"--rootdir={folder}",
        f"--confcutdir={folder}",
        f"--basetemp={settings.parent / 'tests'}",
        "-q",
        str(folder / "tests"),
    ]
