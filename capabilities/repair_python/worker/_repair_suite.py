"""The project's own suite under pytest: how its tests are run here and what is noted about each."""

from __future__ import annotations

import copy
import random
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from _repair_fork import Send, TimedOut, at_most

Facts = dict[str, Any]


def arguments(root: str, paths: list[str], *, plain: bool) -> list[str]:
    """How pytest is called. `plain` leaves out the project's own command line options."""
    fixed = ["--rootdir", root, "-q", "--color=no", "--capture=sys", "--tb=no", "--import-mode"]
    fixed += [_import_mode(root)]
    off = ["cacheprovider", "faulthandler", "junitxml", "pastebin", "stepwise"]
    for plugin in off:
        fixed += ["-p", f"no:{plugin}"]
    fixed += ["-W", "ignore::pytest.PytestConfigWarning"]
    # Thousands of runs would otherwise leave a temporary folder each.
    fixed += ["-o", "tmp_path_retention_policy=failed"]
    return [*fixed, *(["-o", "addopts="] if plain else []), *paths]


def _import_mode(root: str) -> str:
    for name in ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"):
        file = Path(root, name)
        if file.is_file() and "import-mode=importlib" in file.read_text(errors="replace"):
            return "importlib"
    return "prepend"


class Suite:
    """A pytest plugin that stops after collection and hands the items to `serve`."""

    def __init__(self, serve: Callable[[Suite], None]) -> None:
        self._serve = serve
        self.items: dict[str, Any] = {}
        self.broken: list[Facts] = []
        self.reports: list[Any] = []
        self.raised: list[BaseException] = []
        self.reached = False
        self._collecting: dict[str, BaseException] = {}

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        if isinstance(report, pytest.CollectReport) and call.excinfo is not None:
            error = call.excinfo.value
            self._collecting[node.nodeid] = error.__cause__ or error

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            error = self._collecting.get(report.nodeid, ImportError(str(report.longrepr)[-500:]))
            self.broken.append({"id": report.nodeid} | describe(error))

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        if call.excinfo is not None:
            self.raised.append(call.excinfo.value)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.reports.append(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        for item in session.items:
            spare_the_source(item)
        self.reached = True
        self._serve(self)
        return True

    def run(self, item: Any, following: Any, *, seconds: float) -> Facts:
        """One test as pytest runs it, with every hook; its outcome and why."""
        self.reports.clear()
        self.raised.clear()
        random.seed(0)
        started = time.perf_counter()
        timed_out = False
        try:
            with at_most(seconds), at_most(seconds * 4 + 1, wall=True):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        except (TimedOut, pytest.exit.Exception):
            timed_out = True
        took = time.perf_counter() - started
        timed_out = timed_out or any(isinstance(e, TimedOut) for e in self.raised)
        failed = [r for r in self.reports if r.failed]
        outcome = "failed" if failed or timed_out or not self.reports else "passed"
        if outcome == "passed" and any(r.skipped for r in self.reports):
            outcome = "skipped"
        facts = {"id": item.nodeid, "outcome": outcome, "hung": timed_out, "seconds": took}
        if outcome == "failed" and self.raised:
            facts |= describe(self.raised[0])
        return facts

    def run_bare(self, item: Any, following: Any) -> BaseException | None:
        """The same without reports and warnings filters, many times faster; what was raised."""
        error: BaseException | None = None
        if hasattr(item, "_initrequest"):
            item._initrequest()
        item._excinfo = None
        random.seed(0)
        _refresh_parameters(item)
        _promise_report(item)
        try:
            item.ihook.pytest_runtest_setup(item=item)
            item.ihook.pytest_runtest_call(item=item)
        except BaseException as raised:  # noqa: BLE001 (whatever a test raises is its outcome)
            error = raised
        finally:
            try:
                item.ihook.pytest_runtest_teardown(item=item, nextitem=following)
            except BaseException as raised:  # noqa: BLE001
                error = error or raised
        if error is None and getattr(item, "_excinfo", None):
            error = item._excinfo[0].value
        return error


def _promise_report(item: Any) -> None:
    """The fixture `tmp_path` reads, when it is torn down, what the reports said; there are none."""
    try:
        from _pytest.tmpdir import tmppath_result_key
    except ImportError:
        return
    item.stash[tmppath_result_key] = {}


def _refresh_parameters(item: Any) -> None:
    """Parameters are shared by every run of a test; what one run did to them must not last."""
    parameters = getattr(getattr(item, "callspec", None), "params", None)
    if not parameters:
        return
    kept = item.__dict__.setdefault("_repair_parameters", None)
    if kept is None:
        plain = {k: v for k, v in parameters.items() if isinstance(v, list | dict | set | tuple)}
        kept = item.__dict__["_repair_parameters"] = _copied(plain)
    parameters.update(_copied(kept))


def _copied(values: Facts) -> Facts:
    try:
        return copy.deepcopy(values)
    except Exception:  # noqa: BLE001 (whatever a __deepcopy__ in code under test raises)
        return {}


def describe(error: BaseException) -> Facts:
    """An exception as data: its class, its message and the frames it came through."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 (a broken __str__ in code under test)
        message = ""
    return {
        "error_class": type(error).__name__,
        "message": message[:500],
        "frames": frames(error),
    }


def frames(error: BaseException) -> list[list[Any]]:
    """`[file, line, function]` from the outermost frame to the innermost, at most 60."""
    found = traceback.extract_tb(error.__traceback__)
    return [[f.filename, f.lineno or 0, f.name] for f in found][-60:]


def spare_the_source(item: Any) -> None:
    """Leave out the text of tracebacks: pytest parses whole files anew for every frame of it."""
    item.repr_failure = item._repr_failure_py = _no_text


def _no_text(excinfo: Any, style: Any = None) -> str:
    return str(excinfo.type.__name__)


class ColdRun:
    """A pytest plugin for a fresh import of the project: streams outcomes, stops when told to."""

    def __init__(
        self, send: Send, *, first: Iterable[str], allowed: Iterable[str], seconds: float
    ) -> None:
        self._send = send
        self._first = {node: place for place, node in enumerate(first)}
        self._allowed = set(allowed)
        self._seconds = seconds

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._send({"id": report.nodeid, "outcome": "failed", "hung": False, "seconds": 0.0})
            if report.nodeid not in self._allowed:
                pytest.exit("stopped")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        last = len(self._first)
        items.sort(key=lambda item: self._first.get(item.nodeid, last))

    def pytest_collection_finish(self, session: Any) -> None:
        self._send({"collected": [item.nodeid for item in session.items]})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        suite = Suite(lambda _: None)
        session.config.pluginmanager.register(suite)
        items = session.items
        for item in items:
            spare_the_source(item)
        for place, item in enumerate(items):
            following = items[place + 1] if place + 1 < len(items) else None
            facts = suite.run(item, following, seconds=self._seconds)
            self._send(facts)
            if facts["outcome"] == "failed" and facts["id"] not in self._allowed:
                break
        else:
            self._send({"done": True})
        return True
