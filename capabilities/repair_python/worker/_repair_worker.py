"""The worker process: keeps the project warm and tries candidates in forked children.

It reads one JSON request per line and answers each with one line. `warm` has the suite collected
and swaps functions; `bare` has only pytest loaded and imports the project anew in every child.
"""

from __future__ import annotations

import operator
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from _repair_bare import bare
from _repair_fork import Send, TimedOut, at_most, end_with_children, messages
from _repair_pipes import Pipes, Reply, Request
from _repair_suite import Suite, arguments, describe
from _repair_swap import Live, build, fingerprint, function_code
from _repair_vote import Calls, answers, varied
from _repair_watch import Types, coverage_of, lines_by_test


@dataclass(slots=True)
class Units:
    """The compiled parts of one candidate and a key that equal candidates share."""

    parts: list[tuple[str, str, int, CodeType]]
    key: str


class Warm:
    """The suite is collected; every request forks from here."""

    def __init__(self, pipes: Pipes, suite: Suite, setup: Request) -> None:
        self._pipes = pipes
        self._suite = suite
        self._files: list[str] = setup["files"]
        self._live = Live(self._files, setup["root"])
        self._known: set[str] = set()

    def serve(self) -> None:
        self._pipes.reply(
            {"ok": True, "collected": list(self._suite.items), "broken": self._suite.broken}
        )
        operations = {
            "suite": self._run_suite,
            "explain": self._explain,
            "count": self._count,
            "check": self._check,
            "vote": self._vote,
            "try": self._try,
        }
        while (request := self._pipes.read()) is not None:
            self._pipes.reply(operations[request["op"]](request))

    def _items(self, request: Request) -> list[Any]:
        return [self._suite.items[i] for i in request["tests"] if i in self._suite.items]

    def _run_suite(self, request: Request) -> Reply:
        """Run tests as pytest does, with coverage if asked, until `seconds` have passed."""
        items = self._items(request)
        deadline = time.monotonic() + request["seconds"]

        def work(send: Send) -> None:
            self._pipes.close()
            if request.get("coverage"):
                with coverage_of(self._files) as measured:
                    self._run_items(items, request, send, deadline, measured)
                send({"lines": lines_by_test(measured, self._files)})
            else:
                self._run_items(items, request, send, deadline, None)

        quiet = min(request["each"] * 4 + 1.5, request["seconds"] + 5)
        reply: Reply = {"tests": [], "lines": {}}
        for message in messages(work, quiet_seconds=quiet):
            if "lines" in message:
                reply["lines"] = message["lines"]
            else:
                reply["tests"].append(message)
        done = {t["id"] for t in reply["tests"]}
        reply["unfinished"] = [i.nodeid for i in items if i.nodeid not in done]
        return reply

    def _run_items(
        self, items: list[Any], request: Request, send: Send, deadline: float, measured: Any
    ) -> None:
        for place, item in enumerate(items):
            following = items[place + 1] if place + 1 < len(items) else None
            if time.monotonic() > deadline:
                return
            if measured is not None:
                measured.switch_context(item.nodeid)
            facts = self._suite.run(item, following, seconds=request["each"])
            send(facts)
            if request.get("stop") and facts["outcome"] == "failed":
                return

    def _explain(self, request: Request) -> Reply:
        """Run failing tests one per child: what they raise, how long and how many loop turns."""
        found = []
        types: dict[str, Any] = {}
        for item in self._items(request):

            def work(send: Send, item: Any = item) -> None:
                self._pipes.close()
                watched = Types(self._files)
                started = time.process_time()
                with at_most(request["each"], wall=True), watched.watching():
                    error = self._suite.run_bare(item, None)
                facts = describe(error) if error is not None else {"error_class": ""}
                send(facts | {"seconds": time.process_time() - started})
                send({"types": watched.to_json()})

            facts: Reply = {"id": item.nodeid, "error_class": "TimedOut", "seconds": 0.0}
            for message in messages(work, quiet_seconds=request["each"] * 2 + 1):
                if "types" in message:
                    types[item.nodeid] = message["types"]
                else:
                    facts |= message
            found.append(facts)
        return {"tests": found, "types": types}

    def _count(self, request: Request) -> Reply:
        """The most loop turns that one of the tests takes in the functions as they stand."""
        items = self._items(request)
        compiled = [self._compile(c) for c in request["candidates"]]
        self._known.clear()

        def work(send: Send) -> None:
            self._pipes.close()
            for units in compiled:
                if not isinstance(units, str):
                    self._install(units)
            most = 1 << 40
            for item in items:
                counter = self._live.set_ticks(most)
                with at_most(request["each"]):
                    error = self._suite.run_bare(item, None)
                send(
                    {
                        "id": item.nodeid,
                        "ticks": most - operator.length_hint(counter),
                        "ok": error is None,
                    }
                )

        heard = list(messages(work, quiet_seconds=request["each"] * 2 + 1))
        good = [m for m in heard if m["ok"]]
        return {"ticks": max((m["ticks"] for m in good), default=0), "ok": [m["id"] for m in good]}

    def _check(self, request: Request) -> Reply:
        """Run one candidate against many tests, every hook included; stop at the first failure."""
        units = self._compile(request["candidate"], fresh=False)
        items = self._items(request)
        deadline = time.monotonic() + request["seconds"]

        def work(send: Send) -> None:
            self._pipes.close()
            if isinstance(units, str) or not self._install(units):
                return
            self._live.set_ticks(request["ticks"])
            self._run_items(items, request | {"stop": True}, send, deadline, None)

        heard = list(messages(work, quiet_seconds=request["each"] * 5 + 3))
        bad = [m["id"] for m in heard if m["outcome"] == "failed"]
        return {"ok": not bad and len(heard) == len(items), "ran": len(heard), "failed": bad}

    def _vote(self, request: Request) -> Reply:
        """What several patches of one function answer to inputs that no test has."""
        file, name = request["file"], request["function"]

        def record(send: Send) -> None:
            self._pipes.close()
            calls = Calls(file, name)
            for item in self._items(request):
                with at_most(request["each"]), calls.watching():
                    self._suite.run_bare(item, None)
                send({"seen": list(calls.seen)})

        heard = list(messages(record, quiet_seconds=request["each"] * 2 + 1))
        seen = heard[-1]["seen"] if heard else []
        inputs = varied(seen, most=request["most"], seed=request["seed"])
        found = [self._answers(c, file, name, inputs) for c in request["candidates"]]
        return {"inputs": inputs, "answers": found}

    def _answers(self, candidate: Request, file: str, name: str, inputs: list[str]) -> list[str]:
        units = self._compile(candidate, fresh=False)

        def work(send: Send) -> None:
            self._pipes.close()
            if isinstance(units, str) or not self._install(units):
                return
            self._live.set_ticks(1 << 40)
            function = self._live.callable_at(file, name)
            if function is not None:
                send({"answers": answers(function, inputs)})

        heard = list(messages(work, quiet_seconds=5.0))
        return list(heard[0]["answers"]) if heard else []

    def _try(self, request: Request) -> Reply:
        """Try candidates in order on the failing tests; stop after the first that passes all."""
        compiled = [self._compile(c) for c in request["candidates"]]
        results: list[Reply | None] = [
            {"state": c} if isinstance(c, str) else None for c in compiled
        ]
        todo = [n for n, result in enumerate(results) if result is None]
        quiet = request["each"] * 4 + 0.5
        items = self._items(request)
        while todo:

            def work(send: Send, todo: tuple[int, ...] = tuple(todo)) -> None:
                self._pipes.close()
                for number in todo:
                    units = compiled[number]
                    assert isinstance(units, Units)  # noqa: S101 (only those are to do)
                    state = self._try_one(request, units, items)
                    send({"number": number} | state)
                    if state["hung"] or state["state"] == "passed":
                        return

            heard = 0
            for message in messages(work, quiet_seconds=quiet):
                results[message.pop("number")] = message
                heard += 1
                if message["state"] == "passed":
                    self._forget(results, compiled)
                    return {"results": results}
            if heard == 0 or (heard < len(todo) and not results[todo[heard - 1]]["hung"]):  # type: ignore[index]
                results[todo[heard]] = {"state": "crashed", "hung": True, "passed": 0}
                heard += 1
            todo = todo[heard:]
        return {"results": results}

    def _forget(self, results: list[Reply | None], compiled: list[Any]) -> None:
        """What was not run may be asked for again."""
        for result, units in zip(results, compiled, strict=True):
            if result is None:
                self._known.discard(units.key)

    def _compile(self, candidate: Request, *, fresh: bool = True) -> Units | str:
        """What to swap in, or why it is not worth a run: invalid, same, cold."""
        units = Units(parts=[], key="")
        for unit in candidate["units"]:
            if "statement" not in unit and not self._live.knows(unit["file"], unit["function"]):
                return "cold"
            try:
                code = build(unit["source"], unit["file"], unit["flags"])
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return "invalid"
            if "statement" in unit:
                units.parts.append((unit["file"], "", 0, code))
            elif (inner := function_code(code, unit["function"])) is not None:
                code = inner
                units.parts.append((unit["file"], unit["function"], unit["line"], code))
            else:
                return "invalid"
            units.key += (
                f"{unit['file']}:{unit.get('function')}:{unit['line']}:{fingerprint(code)};"
            )
        if fresh and units.key in self._known:
            return "same"
        self._known.add(units.key)
        return units

    def _install(self, units: Units) -> bool:
        return all(self._live.install(*part) for part in units.parts)

    def _try_one(self, request: Request, units: Units, items: list[Any]) -> Reply:
        if not self._install(units):
            self._live.restore()
            return {"state": "cold", "hung": False, "passed": 0}
        self._live.set_ticks(request["ticks"])
        passed, hung = 0, False
        for place, item in enumerate(items):
            following = items[place + 1] if place + 1 < len(items) else None
            if not self._passes(item, following, request):
                hung = self._hung
                break
            passed += 1
        self._live.restore()
        state = "passed" if passed == len(items) else "failed"
        return {"state": state, "hung": hung, "passed": passed}

    def _passes(self, item: Any, following: Any, request: Request) -> bool:
        self._hung = False
        try:
            if request["hooks"]:
                facts = self._suite.run(item, following, seconds=request["each"])
                self._hung = facts["hung"]
                return bool(facts["outcome"] != "failed")
            with at_most(request["each"]):
                error = self._suite.run_bare(item, following)
        except TimedOut as late:
            error = late
        self._hung = isinstance(error, TimedOut)
        return error is None


def main() -> None:
    pipes = Pipes()
    setup = pipes.read()
    if setup is None:
        return
    signal.signal(signal.SIGTERM, end_with_children)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.chdir(setup["root"])
    sys.path.append(sys.path.pop(0))
    sys.path.extend(setup["site_packages"])
    sys.path[:0] = [str(p) for p in (Path(setup["root"], "src"), Path(setup["root"])) if p.is_dir()]
    if setup["mode"] == "bare":
        bare(pipes, setup)
        return
    suite = Suite(lambda ready: Warm(pipes, ready, setup).serve())
    plain = setup["plain"]
    status = pytest.main(arguments(setup["root"], setup["paths"], plain=plain), plugins=[suite])
    if not suite.reached:
        pipes.reply({"ok": False, "status": int(status), "broken": suite.broken})


if __name__ == "__main__":
    main()
