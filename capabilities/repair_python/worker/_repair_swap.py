"""Put a candidate in place of the code that is loaded, or of a file that will be imported."""

from __future__ import annotations

import ast
import functools
import gc
import hashlib
import importlib.machinery
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

TICK = "__repair_tick__"


class _CountSteps(ast.NodeTransformer):
    """Every turn of a `while` loop calls the counter, so that endless loops end early."""

    def visit_While(self, node: ast.While) -> ast.While:
        self.generic_visit(node)
        call = ast.Expr(ast.Call(ast.Name(TICK, ast.Load()), [], []))
        node.body.insert(0, ast.fix_missing_locations(ast.copy_location(call, node)))
        return node


def build(source: str, file: str, flags: int) -> CodeType:
    """The code of a candidate, with its loops counted. Raises SyntaxError and ValueError."""
    tree = compile(source, file, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    if "while" in source:
        tree = _CountSteps().visit(tree)
    code: CodeType = compile(tree, file, "exec", flags, dont_inherit=True)
    return code


def function_code(code: CodeType, qualname: str) -> CodeType | None:
    """The code object of one function inside the code of its module."""
    for found in _inner(code):
        if found.co_qualname == qualname:
            return found
    return None


def _inner(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inner(constant)


def fingerprint(code: CodeType) -> str:
    """Equal for code that does the same, wherever its lines stand."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, code)
    return digest.hexdigest()


def _feed(digest: Any, code: CodeType) -> None:
    digest.update(code.co_code)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags)
    digest.update(repr(names).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _feed(digest, constant)
        else:
            digest.update(f"{type(constant).__name__}:{constant!r}".encode())


class Live:
    """The functions that are loaded from the files under repair, and how to change them."""

    def __init__(self, files: list[str], root: str) -> None:
        self._functions: dict[tuple[str, str], list[FunctionType]] = {}
        everything = list(sys.modules.values())
        self._modules = {_file(m): m for m in everything if _file(m) in files}
        self._project = [m for m in everything if _file(m).startswith(f"{root}/")]
        wanted = set(files)
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename in wanted:
                key = (thing.__code__.co_filename, thing.__code__.co_qualname)
                self._functions.setdefault(key, []).append(thing)
        caches = [o for o in gc.get_objects() if isinstance(o, functools._lru_cache_wrapper)]
        self._caches = [c for c in caches if _home(c).startswith(f"{root}/")]
        self._state = [(m.__dict__, _contents(m.__dict__)) for m in self._project]
        self._undo: list[tuple[FunctionType, CodeType]] = []

    def knows(self, file: str, qualname: str) -> bool:
        return (file, qualname) in self._functions

    def install(self, file: str, qualname: str, line: int, code: CodeType) -> bool:
        """Swap the function and what it left behind (closures); False when it does not fit.

        Without a name the code is a statement of the module, to be run in it again.
        """
        if not qualname:
            return self._rerun(file, code)
        inner = {c.co_qualname: c for c in _inner(code)} | {qualname: code}
        prefix = f"{qualname}.<locals>."
        try:
            for (name_file, name), functions in self._functions.items():
                if name_file != file or not (name == qualname or name.startswith(prefix)):
                    continue
                for function in functions:
                    old = function.__code__
                    if name == qualname and old.co_firstlineno != line:
                        continue
                    if name in inner:
                        function.__code__ = inner[name]
                        self._undo.append((function, old))
        except ValueError:
            return False
        return bool(self._undo)

    def _rerun(self, file: str, code: CodeType) -> bool:
        """Bind names of a module anew, also where other modules have imported them."""
        module = self._modules.get(file)
        if module is None:
            return False
        namespace = module.__dict__
        before = dict(namespace)
        try:
            FunctionType(code, namespace)()
        except Exception:  # noqa: BLE001 (what a candidate raises makes it fail)
            return False
        for name, old in before.items():
            if namespace.get(name) is not old:
                for other in self._project:
                    if other.__dict__.get(name) is old:
                        other.__dict__[name] = namespace[name]
        return True

    def set_ticks(self, limit: int) -> Iterator[int]:
        """A new count of loop turns for every module under repair."""
        counter = iter(range(limit))
        for module in self._modules.values():
            module.__dict__[TICK] = counter.__next__
        return counter

    def callable_at(self, file: str, name: str) -> Any:
        """What a module offers under a name, decorators included; None when there is nothing."""
        module = self._modules.get(file)
        found = module.__dict__.get(name) if module is not None else None
        return found if callable(found) else None

    def restore(self) -> None:
        """Everything as it was when the suite had been collected."""
        while self._undo:
            function, code = self._undo.pop()
            function.__code__ = code
        for cache in self._caches:
            cache.cache_clear()
        for namespace, contents in self._state:
            _refill(namespace, contents)


def _file(module: Any) -> str:
    return getattr(module, "__file__", None) or ""


def _home(cache: Any) -> str:
    code = getattr(cache.__wrapped__, "__code__", None)
    return code.co_filename if code else ""


def _contents(namespace: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Each global with a copy of what it holds when it is a plain container."""
    return {
        name: (value, value.copy() if type(value) in (dict, list, set) else None)
        for name, value in namespace.items()
        if not name.startswith("__")
    }


def _refill(namespace: dict[str, Any], contents: dict[str, tuple[Any, Any]]) -> None:
    for name in [n for n in namespace if n not in contents and not n.startswith("__")]:
        del namespace[name]
    for name, (value, copy) in contents.items():
        namespace[name] = value
        if copy is not None and value != copy:
            value.clear()
            value.extend(copy) if isinstance(value, list) else value.update(copy)


def override_import(sources: dict[str, str]) -> None:
    """Let imports of these files (absolute path to new text) see the new text."""
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> CodeType | None:
        text = sources.get(self.path)
        if text is None:
            return original(self, fullname)
        return compile(text, self.path, "exec", dont_inherit=True)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
