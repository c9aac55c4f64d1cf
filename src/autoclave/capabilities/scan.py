"""Reads a capability's code for what its manifest does not admit; nothing is imported.

A scan finds what is careless or brazen. It proves nothing: the sandbox is what holds.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..domain.capability import Needs
from . import scan_rules as rules
from .trees import Tree

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)

_LINE_ENDS = "\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"
"""Blanks at which some programs end a line, and Python does not."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One thing in the code that a reader should know of."""

    file: str
    line: int
    rule: str
    message: str
    refuses: bool
    """True when it contradicts the needs or is never accepted."""


def scan(tree: Tree, needs: Needs) -> tuple[Finding, ...]:
    """Every finding in the folder, in order of file and line. Tests are held to the same rules."""
    found: set[Finding] = set()
    for path, data in tree.files.items():
        found |= set(_scan_bytes(path, data))
        if path.endswith(".py") and not any(f.refuses and f.file == path for f in found):
            found |= set(_scan_python(path, data.decode("utf-8"), needs))
    return tuple(sorted(found))


def _scan_bytes(path: str, data: bytes) -> Iterator[Finding]:
    refuse = _refuser(path, "bytes")
    if b"\0" in data or path.endswith((".pyc", ".pyo", ".so", ".pyd", ".whl", ".egg")):
        yield refuse(1, "a binary file")
        return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        yield refuse(data[: error.start].count(b"\n") + 1, "not UTF-8")
        return
    if data.startswith(b"\xef\xbb\xbf"):
        yield refuse(1, "a byte order mark")
    if b"\r" in data:
        yield refuse(data[: data.index(b"\r")].count(b"\n") + 1, "a carriage return; use LF ends")
    if path.endswith(".py"):
        yield from _scan_hidden(path, data.decode("utf-8"))
    # Python looks for it in the first two lines only.
    cookie = _COOKIE.search(b"\n".join(data.split(b"\n")[:2])) if path.endswith(".py") else None
    if cookie and cookie[1].lower().replace(b"_", b"-") not in (b"utf-8", b"utf8"):
        yield refuse(1, f"the encoding {cookie[1].decode('ascii', 'replace')}")


def _scan_hidden(path: str, text: str) -> Iterator[Finding]:
    """Characters that no editor shows: they make code look like what it is not."""
    for place, character in enumerate(text):
        if character.isprintable() or (character.isspace() and character not in _LINE_ENDS):
            continue
        line = text.count("\n", 0, place) + 1
        yield _refuser(path, "bytes")(line, f"the hidden character {character!a}")
        return


def _scan_python(path: str, text: str, needs: Needs) -> Iterator[Finding]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 1) or 1
        yield _refuser(path, "syntax")(line, f"does not parse: {error}")
        return
    yield from _scan_names(path, text)
    yield from _Reader(path, needs).read(tree)


def _scan_names(path: str, text: str) -> Iterator[Finding]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.NAME or token.string.isascii():
            continue
        meant = unicodedata.normalize("NFKC", token.string)
        disguised = meant.isascii() or meant != token.string
        yield Finding(
            file=path,
            line=token.start[0],
            rule="name",
            message=f"the name {token.string!a}" + (f" means {meant!a}" if disguised else ""),
            refuses=disguised,
        )


class _Reader:
    """Walks one syntax tree with the aliases that its imports make."""

    def __init__(self, path: str, needs: Needs) -> None:
        self._path = path
        self._needs = needs
        self._aliases: dict[str, str] = {}

    def read(self, tree: ast.Module) -> Iterator[Finding]:
        nodes = list(ast.walk(tree))
        for node in nodes:
            yield from self._imports(node)
        for node in nodes:
            yield from self._uses(node)

    def _imports(self, node: ast.AST) -> Iterator[Finding]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._aliases[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
                yield from self._module(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                self._aliases[alias.asname or alias.name] = full
                yield from self._module(full, node.lineno)
                yield from self._called(full, node.lineno)

    def _uses(self, node: ast.AST) -> Iterator[Finding]:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield from self._called(self._aliases.get(node.id, node.id), node.lineno)
        elif isinstance(node, ast.Attribute):
            yield from self._trick(node.attr, node.lineno)
            yield from self._called(self._full_name(node), node.lineno)
        elif isinstance(node, ast.Call):
            yield from self._by_text(node)

    def _module(self, name: str, line: int) -> Iterator[Finding]:
        top = name.split(".")[0]
        innocent = any(name == ok or name.startswith(f"{ok}.") for ok in rules.NOT_NETWORK)
        if top in rules.NEVER_IMPORTED:
            yield self._refuse(line, "import", f"imports {top}")
        elif top in rules.NETWORK_MODULES and not innocent and not self._needs.network:
            yield self._refuse(line, "network", f"imports {name} without needs.network")
        elif top in rules.COMMAND_MODULES and not self._needs.commands:
            yield self._refuse(line, "commands", f"imports {top} without needs.commands")
        elif top in rules.NOTED_IMPORTS:
            yield self._note(line, "import", f"imports {top}")

    def _called(self, name: str, line: int) -> Iterator[Finding]:
        if name.removeprefix("builtins.") in rules.NEVER_CALLED:
            yield self._refuse(line, "dynamic", f"uses {name}")
        elif name.removeprefix("builtins.") in rules.NOTED_CALLS:
            yield self._note(line, "dynamic", f"uses {name}")
        elif rules.COMMAND_CALLS.fullmatch(name) and not self._needs.commands:
            yield self._refuse(line, "commands", f"uses {name} without needs.commands")
        elif name in rules.NETWORK_CALLS and not self._needs.network:
            yield self._refuse(line, "network", f"uses {name} without needs.network")

    def _by_text(self, node: ast.Call) -> Iterator[Finding]:
        """`getattr(x, "system")` and its like: the attribute is hidden in a text."""
        if not isinstance(node.func, ast.Name) or node.func.id not in ("getattr", "hasattr"):
            return
        if len(node.args) < 2:
            return
        wanted = node.args[1]
        if not isinstance(wanted, ast.Constant) or not isinstance(wanted.value, str):
            yield self._note(node.lineno, "dynamic", f"{node.func.id} with a name made at run time")
            return
        owner = self._full_name(node.args[0])
        yield from self._trick(wanted.value, node.lineno)
        yield from self._called(f"{owner}.{wanted.value}", node.lineno)

    def _trick(self, name: str, line: int) -> Iterator[Finding]:
        if name in rules.NOTED_ATTRIBUTES:
            yield self._note(line, "internals", f"reaches for {name}")
        elif name in rules.NEVER_REACHED_FOR:
            yield self._refuse(line, "internals", f"reaches for {name}")

    def _full_name(self, node: ast.AST) -> str:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        start = self._aliases.get(node.id, node.id) if isinstance(node, ast.Name) else "?"
        return ".".join([start, *reversed(parts)])

    def _refuse(self, line: int, rule: str, message: str) -> Finding:
        return Finding(file=self._path, line=line, rule=rule, message=message, refuses=True)

    def _note(self, line: int, rule: str, message: str) -> Finding:
        return Finding(file=self._path, line=line, rule=rule, message=message, refuses=False)


def _refuser(path: str, rule: str) -> Callable[[int, str], Finding]:
    return lambda line, message: Finding(
        file=path, line=line, rule=rule, message=message, refuses=True
    )
