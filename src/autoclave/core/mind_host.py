"""Runs inside the sandbox: one view in, one answer out. Standard library only.

For trials there may be many views, or runs to be lived to their end; then each is one line.

The request brings the mind's source as the kernel digested it, so there is no file to read and no
file that could say something else than what was recorded.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NoReturn

ANSWER = 3
PACKAGE = "mind"


def main() -> None:
    """Answer the one request on standard input; whatever goes wrong is an answer too."""
    request = json.loads(sys.stdin.buffer.read())
    if "view" not in request:
        _try_out(request)
    try:
        answer = load(request["sources"]).decide(request["view"])
        text = json.dumps({"answer": answer}, allow_nan=False)
    except BaseException as error:  # noqa: BLE001  the edge of the process
        text = json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]})
    _write(text.encode("utf-8"))
    os._exit(0)


def _try_out(request: Any) -> NoReturn:
    """A line for each view, and for each run and law; each is written as soon as it is known."""
    try:
        decide = load(request["sources"]).decide
    except BaseException as error:  # noqa: BLE001  the edge of the process
        problem = f"{type(error).__name__}: {error}"[:2000]

        def decide(view: Any) -> Any:
            raise ImportError(problem)

    for view in request["views"]:
        try:
            line = json.dumps({"answer": decide(view)}, allow_nan=False)
        except BaseException as error:  # noqa: BLE001
            line = json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]})
        _write(f"{line}\n".encode())
    if request["starts"]:
        laws = _module_beside("mind_laws")
        for start in request["starts"]:
            for law in laws.LAWS:
                _write(f"{json.dumps(laws.live(decide, start, law))}\n".encode())
    os._exit(0)


def _module_beside(name: str) -> ModuleType:
    """`-I` keeps this folder out of the path."""
    place = os.path.join(os.path.dirname(__file__), f"{name}.py")  # noqa: PTH118, PTH120
    spec = importlib.util.spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        raise ImportError(place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(sources: Mapping[str, str], package: str = PACKAGE) -> ModuleType:
    """The package whose modules have these sources, made without touching a file."""
    finder = MemoryFinder(package, sources)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(package)
    finally:
        sys.meta_path.remove(finder)


class MemoryFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one package and its modules in memory."""

    def __init__(self, package: str, sources: Mapping[str, str]) -> None:
        self._package = package
        self._sources = sources

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if self._name(fullname) not in self._sources:
            return None
        is_package = fullname == self._package
        return importlib.util.spec_from_loader(fullname, self, is_package=is_package)

    def exec_module(self, module: ModuleType) -> None:
        name = self._name(module.__name__)
        code = compile(self._sources[name], f"<mind>/{name}.py", "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  the digested source, and nothing else

    def _name(self, fullname: str) -> str:
        if fullname == self._package:
            return "__init__"
        head, _, tail = fullname.rpartition(".")
        return tail if head == self._package else ""


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(ANSWER, data) :]


if __name__ == "__main__":
    main()
