"""Making a forked interpreter look as if it had just been started for its command."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH123

from __future__ import annotations

import builtins
import io
import os
import sys
from types import CodeType, ModuleType

from . import signals
from .order import Order


def interpreter(order: Order, path: list[str]) -> None:
    """Environment, signals, streams, arguments, modules; `path` is that of a fresh start."""
    os.environ.clear()
    os.environ.update(order.environment)
    signals.handle(signals.INTERRUPT, signals.interrupted)
    signals.handle(signals.BROKEN_PIPE, signals.IGNORE)
    signals.handle(signals.TOO_LARGE, signals.IGNORE)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _stream(number, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.orig_argv[:] = order.argv
    at = _first_of_the_program(order.argv)
    # What stands after -c is not an argument.
    sys.argv[:] = [order.argv[at], *order.argv[at + 1 + (order.argv[at] == "-c") :]]
    for entry in set(sys.path) - set(path):
        sys.path_importer_cache.pop(entry, None)
    sys.path[:] = path
    # The command may bring another version of this package.
    for name in [name for name in sys.modules if name.partition(".")[0] == "autoclave"]:
        del sys.modules[name]


def program(order: Order) -> tuple[CodeType, dict[str, object]]:
    """The code to run as `__main__`, and its namespace. SyntaxError as from any program."""
    at = _first_of_the_program(order.argv)
    main = ModuleType("__main__")
    space = main.__dict__
    space["__builtins__"] = builtins
    space["__annotations__"] = {}
    sys.modules["__main__"] = main
    importers = sys.modules["_frozen_importlib"], sys.modules["_frozen_importlib_external"]
    if order.argv[at] == "-c":
        space["__loader__"] = importers[0].BuiltinImporter
        return _compiled(order.argv[at + 1].encode(), "<string>"), space
    path = order.argv[at]
    space |= {"__file__": path, "__cached__": None}
    space["__loader__"] = importers[1].SourceFileLoader("__main__", path)
    return _compiled(_read(path), path), space


def _first_of_the_program(argv: list[str]) -> int:
    """The place of `-c` or of the file: the options before it are the interpreter's."""
    at = 1
    while argv[at].startswith("-") and argv[at] != "-c":
        at += 1
    return at


def _compiled(source: bytes, name: str) -> CodeType:
    return compile(source, name, "exec", dont_inherit=True)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        why = f"[Errno {error.errno}] {error.strerror}"
        sys.stderr.write(f"{sys.executable}: can't open file {path!r}: {why}\n")
        raise SystemExit(2) from None


def _stream(number: int, like: io.TextIOWrapper) -> io.TextIOWrapper:
    """A standard stream on its descriptor as it is now, with the settings of the one before."""
    raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
    raw.name = f"<{('stdin', 'stdout', 'stderr')[number]}>"
    buffer = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
    stream = io.TextIOWrapper(
        buffer,
        encoding=like.encoding,
        errors=like.errors,
        newline="\n",
        line_buffering=number == 2,
    )
    vars(stream)["mode"] = raw.mode[0]
    return stream
