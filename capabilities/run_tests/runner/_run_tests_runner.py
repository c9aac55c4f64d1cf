"""The runner: a pytest plugin that sees for itself what each test does and reports it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

Facts = dict[str, Any]
Steps = Generator[None, Any, Any]


class TestTimedOut(BaseException):
    """The test has used up its time; not an Exception, so that code under test can't eat it."""

    __test__ = False


class Runner:
    """Notes what every test raises before any other hook can touch its report."""

    def __init__(self, say: Callable[..., None], *, each: float) -> None:
        self._say = say
        self._each = each
        self._facts: Facts = {}
        self._called = False
        self._raised: BaseException | None = None
        self._expected = False
        self._collecting: dict[str, BaseException] = {}

    # collection

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        if isinstance(report, pytest.CollectReport) and call.excinfo is not None:
            error = call.excinfo.value
            self._collecting[node.nodeid] = error.__cause__ or error

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            error = self._collecting.get(report.nodeid)
            facts = _facts(error) if error else {"message": str(report.longrepr)[-400:]}
            self._say("broken", facts={"id": report.nodeid, "kind": "collection"} | facts)

    def pytest_collection_finish(self, session: Any) -> None:
        for item in session.items:
            # pytest parses whole files anew to quote lines in tracebacks; nobody reads them here.
            item.repr_failure = item._repr_failure_py = _no_text
        self._say("collected", ids=[item.nodeid for item in session.items])

    # one test

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Steps:
        self._facts = {"id": item.nodeid, "kind": "passed"}
        self._called, self._raised = False, None
        self._say("start", id=item.nodeid)
        self._watch(item)
        signal.signal(signal.SIGALRM, _expire)
        signal.setitimer(signal.ITIMER_REAL, self._each, 0.1)
        try:
            return (yield)
        except TestTimedOut as late:
            self._note("timeout", late)
        except pytest.exit.Exception as ended:
            self._note("crashed", ended)
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._judge()
            if self._facts["kind"] == "timeout":
                self._each = max(1.0, self._each / 2)
            self._say("result", facts=self._facts)
        return True

    def _watch(self, item: Any) -> None:
        """Put ourselves between pytest and the test function: what it raises can't be hidden."""
        original = getattr(item, "obj", None)
        if not callable(original) or isinstance(item, pytest.Class):
            return

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._called = True
            try:
                return original(*args, **kwargs)
            except BaseException as error:
                self._raised = error
                raise

        with contextlib.suppress(AttributeError):
            item.obj = watched

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Steps:
        error = call.excinfo.value if call.excinfo is not None else None
        report = yield
        if isinstance(error, TestTimedOut):
            self._note("timeout", error)
        elif report.failed:
            self._note(_kind(call.when, error), error, str(report.longrepr or ""))
        elif report.skipped and self._facts["kind"] == "passed":
            self._facts["kind"] = "skipped"
        hidden = error if call.when == "call" else None
        expected = item.get_closest_marker("xfail") is not None
        if hidden is not None and report.passed and not expected:
            self._note("tampered", hidden, "a hook turned this failure into a pass")
        self._expected = expected or isinstance(error, _outcomes())
        return report

    def _judge(self) -> None:
        """A test that raised, or was never called, has not passed, whatever its report says."""
        if self._facts["kind"] != "passed":
            return
        raised = self._raised
        if raised is not None and not isinstance(raised, _outcomes()) and not self._expected:
            self._note("tampered", raised, "a hook hid what this test raised")
        elif not self._called:
            self._note("tampered", None, "the test function was never called")

    def _note(self, kind: str, error: BaseException | None, text: str = "") -> None:
        """The first bad thing stays."""
        if self._facts["kind"] not in ("passed", "skipped"):
            return
        facts = _facts(error) if error is not None else {"error_class": "", "message": text[-400:]}
        if kind == "tampered" and error is not None:
            facts["message"] = f"{text}: {facts['error_class']}: {facts['message']}"
        if kind == "timeout":
            facts["message"] = f"took longer than {self._each:.1f} s"
        self._facts |= {"kind": kind} | facts


def _no_text(excinfo: Any, style: Any = None) -> str:
    return f"{excinfo.type.__name__}: {excinfo.value}"


def _outcomes() -> tuple[type[BaseException], ...]:
    return (pytest.skip.Exception, pytest.xfail.Exception)


def _expire(*_: object) -> None:
    raise TestTimedOut


def _kind(when: str, error: BaseException | None) -> str:
    if when != "call":
        return when
    return "assertion" if isinstance(error, AssertionError) or error is None else "error"


def _facts(error: BaseException) -> Facts:
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 (a broken __str__ in code under test)
        message = ""
    frames = [
        [f.filename, f.lineno or 0, f.name] for f in traceback.extract_tb(error.__traceback__)
    ]
    own = [frame for frame in frames if frame[0] != __file__]
    return {"error_class": type(error).__name__, "message": message[:2000], "frames": own[-60:]}


def _arguments(order: Facts) -> list[str]:
    fixed = ["--rootdir", order["root"], "-q", "--color=no", "--tb=short"]
    for plugin in ("cacheprovider", "faulthandler", "junitxml", "pastebin", "stepwise"):
        fixed += ["-p", f"no:{plugin}"]
    fixed += ["-W", "ignore::pytest.PytestConfigWarning"]
    return [*fixed, *(["-o", "addopts="] if order["plain"] else []), *order["targets"]]


def main() -> int:
    order = json.loads(sys.stdin.buffer.read())
    nonce, pipe = order["nonce"], order["report"]
    os.set_inheritable(pipe, False)
    owner = os.getpid()

    def say(what: str, **more: Any) -> None:
        if os.getpid() != owner:
            return
        data = f"{nonce}{json.dumps({'say': what, **more})}\n".encode()
        while data:
            data = data[os.write(pipe, data) :]

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    root = Path(order["root"])
    sys.path[:0] = [str(p) for p in (root / "src", root) if p.is_dir()]
    sys.path.extend(order["site_packages"])
    runner = Runner(say, each=order["each"])
    status = int(pytest.main(_arguments(order), plugins=[runner]))
    if status in (0, 1, 5) or (status == 2 and runner._collecting):
        say("done")
    return status


if __name__ == "__main__":
    sys.exit(main())
