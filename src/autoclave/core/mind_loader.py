"""Loading a mind from a home's tree: exactly the bytes whose digest is recorded."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ..domain.canonical import JsonObject, canonical, digest_bytes
from ..domain.canonical import digest as digest_of
from ..domain.errors import ConfigurationInvalid


class LoadedMind:
    """A mind in this process (port Mind). It is pure: it gets JSON and gives JSON."""

    def __init__(self, tree: str, decide: Callable[[Any], Any]) -> None:
        self.tree = tree
        self._decide = decide

    def decide(self, view: JsonObject) -> JsonObject:
        """What it answers to a view of its own: it can change nothing that is the kernel's."""
        answer = self._decide(json.loads(canonical(view)))
        if not isinstance(answer, dict) or "intent" not in answer:
            raise TypeError("a mind answers with an object that has an intent")
        copied: JsonObject = json.loads(canonical(answer))
        return copied


def load_mind(folder: Path) -> LoadedMind:
    """The mind below `folder`, compiled from the bytes that were digested.

    Cached bytecode is never looked at: a planted `.pyc` has no effect. Raises ConfigurationInvalid.
    """
    try:
        sources = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.py"))}
    except OSError as error:
        raise ConfigurationInvalid(f"the mind at {folder} can't be read: {error}") from error
    if "__init__" not in sources:
        raise ConfigurationInvalid(
            f"there is no mind at {folder}", hint="make a home with one: `autoclave init DIR`"
        )
    tree = digest_of({name: digest_bytes(data) for name, data in sources.items()})
    package = f"autoclave_mind_{tree[:16]}"
    try:
        module = _import(package, sources)
        return LoadedMind(tree, module.decide)
    except Exception as error:  # whatever a broken mind raises at import is one clear refusal
        raise ConfigurationInvalid(
            f"the mind at {folder} can't be loaded: {type(error).__name__}: {error}"
        ) from error


def _import(package: str, sources: dict[str, bytes]) -> ModuleType:
    if package in sys.modules:
        return sys.modules[package]
    finder = _MemoryFinder(package, sources)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(package)
    finally:
        sys.meta_path.remove(finder)


class _MemoryFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one package and its modules in memory."""

    def __init__(self, package: str, sources: dict[str, bytes]) -> None:
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
        exec(code, module.__dict__)  # noqa: S102 - the digested bytes, and nothing else

    def _name(self, fullname: str) -> str:
        if fullname == self._package:
            return "__init__"
        head, _, tail = fullname.rpartition(".")
        return tail if head == self._package else ""
