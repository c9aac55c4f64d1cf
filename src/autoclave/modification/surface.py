"""Which changes the agent may ask for at all: where, in what form, and never with its judges."""

from __future__ import annotations

import stat
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..domain.changes import ChangeSet, FileChange
from ..domain.errors import InvalidInput, NotAllowed
from .body import is_test
from .distance import changed_lines
from .growing_tests import weakness
from .source_form import MOST_BYTES, decode, hidden_characters, odd_names

_MOST_FILES = 50
_MOST_LINES = 2_000
_JUDGES = frozenset({"pytest", "_pytest", "pluggy", "mypy", "ruff", "coverage", "libcst"})
_TAKEN = (sys.stdlib_module_names | _JUDGES) - {"code", "__future__"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The part of the home that a proposal may reach; raises NotAllowed with the rule's name."""

    prefixes: tuple[str, ...]
    """Folders below the home, such as `capabilities`."""
    mind: str = ""
    """The one of them that is the mind's, if there is one."""

    def check_path(self, path: str) -> None:
        """Raise unless one file of that name may be changed by a proposal."""
        pure = PurePosixPath(path)
        if not any(pure.is_relative_to(prefix) for prefix in self.prefixes):
            raise self._outside(path)
        if not path.isascii() or not path.isprintable() or "\\" in path:
            raise _no("plain-file-names", f"the name {path!r} is not plain ASCII")
        if any(part.startswith(".") or part == "__pycache__" for part in pure.parts):
            raise _no("no-hidden-paths", f"{path} is hidden or a cache; changes are in the open")
        if pure.name in ("conftest.py", "sitecustomize.py", "usercustomize.py"):
            raise _no("no-start-up-hooks", f"{path} would run by itself when tests or Python start")
        if self.is_of_mind(path):
            _check_mind_path(pure.relative_to(self.mind), path)
            return
        if pure.suffix != ".py" and pure.name != "README.md":
            raise _no(
                "plain-source-files",
                f"{path} is neither Python source nor a README.md",
                hint="a manifest states what a capability may touch: a person edits it",
            )
        if len(pure.parts) < 3 and pure.suffix == ".py":
            raise _no("inside-a-capability", f"{path} belongs to no capability")

    def check(self, changes: ChangeSet) -> None:
        """Raise unless the whole change set may be asked for."""
        if not changes:
            raise InvalidInput("the change set is empty")
        if len(changes.files) > _MOST_FILES:
            raise _no("small-changes", f"{len(changes.files)} files; the most is {_MOST_FILES}")
        for change in changes.files:
            self.check_path(change.path)
            _check_new_names(change)
            _check_content(change)
        _check_size(changes)
        if len({self.is_of_mind(path) for path in changes.paths}) > 1:
            raise _no(
                "mind-and-capabilities-apart",
                "the mind and a capability change at once, and each is judged beside the other",
                hint="propose one after the other",
            )
        tests = [path for path in changes.paths if is_test(path)]
        if tests and len(tests) < len(changes.files):
            raise _no(
                "tests-do-not-ride-with-code",
                f"{tests[0]} judges code that the same change set touches",
                hint="propose the test and the code one after the other",
            )
        for change in changes.files if tests else ():
            _check_growth(change)

    def check_on_disk(self, root: Path, path: str) -> None:
        """Raise when a part of the path is a link, so that it leads elsewhere."""
        place = root
        for part in PurePosixPath(path).parts:
            place /= part
            if place.is_symlink():
                raise _no("no-links", f"{place.relative_to(root)} is a link on the way to {path}")
        if place.exists() and not stat.S_ISREG(place.stat().st_mode):
            raise _no("no-links", f"{path} is no regular file")

    def is_of_mind(self, path: str) -> bool:
        return bool(self.mind) and PurePosixPath(path).is_relative_to(self.mind)

    def _outside(self, path: str) -> NotAllowed:
        places = ", ".join(f"{prefix}/" for prefix in self.prefixes)
        return _no("inside-the-body", f"{path} is not part of the body ({places})")


def _check_mind_path(inside: PurePosixPath, path: str) -> None:
    """A mind is modules side by side, and prompts in a folder of their own."""
    is_module = len(inside.parts) == 1 and inside.suffix == ".py"
    is_prompt = inside.parts[0] == "prompts" and len(inside.parts) == 2 and inside.suffix == ".md"
    if not (is_module or is_prompt):
        raise _no("modules-and-prompts", f"{path} is neither a module of the mind nor a prompt")
    if is_test(path):
        raise _no("no-judges-in-the-mind", f"{path} has the name of a test")


def _check_content(change: FileChange) -> None:
    if change.after is None:
        return
    before = _text_or_nothing(change.before)
    after = decode_for_surface(change.path, change.after)
    if hidden := hidden_characters(after) - hidden_characters(before):
        named = ", ".join(f"U+{ord(character):04X}" for character in sorted(hidden))
        raise _no("no-hidden-characters", f"{change.path} gains characters nobody sees: {named}")
    if not change.path.endswith(".py"):
        return
    if odd := odd_names(after).keys() - odd_names(before).keys():
        named = ", ".join(sorted(odd))
        raise _no(
            "plain-ascii-names",
            f"{change.path} gains names that look like others: {named.encode('unicode_escape')!r}",
        )


def _check_new_names(change: FileChange) -> None:
    """A new module must not be found where another one is looked for."""
    if change.before is not None:
        return
    parts = PurePosixPath(change.path).with_suffix("").parts[1:]
    if taken := sorted(_TAKEN.intersection(parts)):
        raise _no(
            "no-shadowing",
            f"{change.path} has the name of the module {taken[0]}",
            hint="give the file another name",
        )


def _check_size(changes: ChangeSet) -> None:
    lines = sum(changed_lines(change.before, change.after) for change in changes.files)
    if lines > _MOST_LINES:
        raise _no(
            "small-changes",
            f"{lines:,} lines change; the most is {_MOST_LINES:,}",
            hint="what nobody can read nobody can approve: propose it in parts",
        )


def _check_growth(change: FileChange) -> None:
    if not change.path.endswith(".py"):
        return
    after = decode_for_surface(change.path, change.after or b"")
    try:
        why = weakness(_text_or_nothing(change.before), after)
    except (SyntaxError, ValueError, RecursionError):
        return  # the parse gate says what is wrong with it
    if why:
        raise _no(
            "tests-only-grow",
            f"{change.path}: {why}",
            hint="add new tests beside the old ones; a person changes those that there are",
        )


def decode_for_surface(path: str, data: bytes) -> str:
    """The text, or NotAllowed by `plain-text` when its form hides something."""
    if len(data) > MOST_BYTES:
        raise _no("small-changes", f"{path} would have {len(data):,} bytes")
    try:
        return decode(data, path)
    except InvalidInput as error:
        raise _no("plain-text", error.message, hint=error.hint) from error


def _text_or_nothing(data: bytes | None) -> str:
    return "" if data is None else data.decode("utf-8", "replace")


def _no(rule: str, message: str, hint: str = "") -> NotAllowed:
    return NotAllowed(message, rules=(rule,), hint=hint)
