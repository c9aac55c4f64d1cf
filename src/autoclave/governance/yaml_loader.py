"""Strict YAML: every surprise of the language is an error with its line and column."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from ..domain.errors import ConfigurationInvalid
from ..domain.text import show_line

if TYPE_CHECKING:
    import yaml

MOST_BYTES = 128 * 1024
MOST_DEPTH = 12

Tree: TypeAlias = "str | list[Tree] | dict[str, Tree]"
"""Every scalar is the string that was typed; what it means is for the schema to say."""
Path: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys of mappings and positions in lists."""

_READS_AS_MERGE = "<<"
_HINT = "correct the file and check it: `autoclave config check`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the file something stands; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document, and where each of its values stands."""

    name: str
    """What errors call the file."""
    data: Tree
    places: Mapping[Path, Place] = field(default_factory=dict)

    def error(self, path: Path, problem: str) -> ConfigurationInvalid:
        """The error for `path`, or for the nearest thing around it that the file has."""
        while path and path not in self.places:
            path = path[:-1]
        return _error(self.name, self.places.get(path, Place(line=1, column=1)), problem)


def load_strict(data: bytes, *, name: str) -> Document:
    """The one document in `data`. Raises ConfigurationInvalid, and nothing else."""
    text = _decode(data, name)
    reader = _Reader(name)
    events = _events(text, name)
    tree = reader.document(events)
    return Document(name=name, data=tree, places=reader.places)


def _decode(data: bytes, name: str) -> str:
    if len(data) > MOST_BYTES:
        problem = f"has {len(data):,} bytes; the most is {MOST_BYTES:,}"
        raise _error(name, Place(line=1, column=1), problem)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        problem = f"is not UTF-8 (byte 0x{data[error.start]:02x})"
        raise _error(name, Place(line=line, column=column), problem) from error


def _events(text: str, name: str) -> Iterator[yaml.Event]:
    import yaml

    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(mark) if mark else Place(line=1, column=1)
        raise _error(name, place, error.problem or "is not YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"has the character U+{error.character:04X}"
        raise _error(name, Place(line=line, column=1), problem) from error
    except (ValueError, OverflowError) as error:
        # PyYAML lets chr() and int() fail on "\UFFFFFFFF" and on a directive with a huge number.
        raise _error(name, Place(line=1, column=1), f"has an impossible value: {error}") from error


class _Reader:
    """Builds the tree from parser events and notes where each value was."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[Path, Place] = {}

    def document(self, events: Iterator[yaml.Event]) -> Tree:
        import yaml

        next(events)
        start = next(events)
        if isinstance(start, yaml.StreamEndEvent):
            raise _error(self.name, Place(line=1, column=1), "is empty")
        if getattr(start, "version", None) or getattr(start, "tags", None):
            raise self._refuse(start, "has a % directive; they are not used here")
        tree = self._node(next(events), events, ())
        next(events)
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._refuse(after, "has a second document; only one is read")
        return tree

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Tree:
        import yaml

        self._check_plain(event, path)
        self.places.setdefault(path, _place(event.start_mark))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        return self._scalar(event)

    def _check_plain(self, event: yaml.Event, path: Path) -> None:
        import yaml

        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(event, f"has the alias *{event.anchor}; write the value out")
        if anchor := getattr(event, "anchor", None):
            raise self._refuse(event, f"has the anchor &{anchor}; write the value out")
        if tag := getattr(event, "tag", None):
            raise self._refuse(event, f"has the tag {tag}; tags are not used here")
        if len(path) > MOST_DEPTH:
            raise self._refuse(event, f"is nested deeper than {MOST_DEPTH} levels")

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> Tree:
        import yaml

        items: list[Tree] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> Tree:
        import yaml

        items: dict[str, Tree] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event, path)
            if key in items:
                first = self.places[(*path, key)].line
                raise self._refuse(event, f"has the key {key!r} twice, first in line {first}")
            self.places[(*path, key)] = _place(event.start_mark)
            items[key] = self._node(next(events), events, (*path, key))
        return items

    def _key(self, event: yaml.Event, path: Path) -> str:
        import yaml

        self._check_plain(event, path)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refuse(event, "has a key that is not plain text")
        if event.value == _READS_AS_MERGE:
            raise self._refuse(event, "has a merge key <<; write the values out")
        return self._scalar(event)

    def _scalar(self, event: Any) -> str:
        value: str = event.value
        for character in value:
            if character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cs"}:
                raise self._refuse(event, f"has the character U+{ord(character):04X}")
        return value

    def _refuse(self, event: yaml.Event, problem: str) -> ConfigurationInvalid:
        return _error(self.name, _place(event.start_mark), problem)


def _place(mark: Any) -> Place:
    return Place(line=mark.line + 1, column=mark.column + 1)


def _error(name: str, place: Place, problem: str) -> ConfigurationInvalid:
    text = show_line(f"{name}:{place.line}:{place.column}: {problem}")
    return ConfigurationInvalid(text, hint=_HINT)
