"""The closed set of conditions that a rule's `when` can hold.

| condition | holds when |
|---|---|
| `target` | the target is one of these |
| `target_glob` | the target matches one of these path patterns |
| `paths_any`, `paths_all` | one of the paths, or every path, matches one of these patterns |
| `touches_any`, `touches_only` | a change of ourselves touches one of these parts, or no others |
| `executable` | the command runs one of these programs |
| `argv_prefix` | the command starts with exactly these words |
| `needs_any`, `needs_none` | a capability needs one of, or none of, `READABLE_NEEDS` |
| `imports_any` | a change adds an import of one of these modules or of something below them |
| `host` | the host is one of these; `*.example.org` stands for one more label |
| `origins_any`, `origins_only` | the target comes from one of these, or from nothing else |
| `carries_label_any` | a value carries one of these labels |
| `is`, `is_not` | every named attribute has, or has not, this value |
| `over` | one of the named numbers is above its limit |
| `at_most` | every named number is within its limit |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from ..domain.errors import InvalidInput
from ..domain.risk import Action, ActionKind, Origin
from .attributes import (
    ATTRIBUTES,
    CannotTell,
    Form,
    read_argv,
    read_number,
    read_origins,
    read_paths,
    read_text,
    read_texts,
    read_truth,
)
from .components import Component
from .globs import Answer, Glob
from .nearest import did_you_mean
from .paths import unclean
from .rule import Condition, Labels, Test, When

READABLE_NEEDS = (
    *("network", "model", "knowledge", "secrets", "commands"),
    *("workspace_read", "workspace_write"),
)

_HIDES_A_COMMAND = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "env", "xargs", "nohup", "nice"}
    | {"time", "timeout", "setsid", "stdbuf", "sudo", "su", "doas", "exec", "find", "ssh"}
)
"""Programs that run another program which they are given in text."""

Kinds: TypeAlias = frozenset[ActionKind]


def make_when(
    kinds: Iterable[ActionKind], conditions: Mapping[str, Any], *, labels: Labels | None = None
) -> When:
    """A `when` from condition names and what they want. Raises InvalidInput."""
    covered = frozenset(kinds)
    made = (make(name, wanted, covered, labels or {}) for name, wanted in conditions.items())
    return When(kinds=covered, conditions=tuple(made))


def make(name: str, wanted: Any, kinds: Kinds, labels: Labels) -> Condition:
    """One condition of a rule about `kinds`. Raises InvalidInput for what could never hold."""
    if name == "carries_label_any":
        return Condition(name=name, wanted=list(wanted), test=_carries(wanted, labels))
    if name in _ABOUT_NAMED:
        _check_named(name, wanted, kinds)
        return Condition(name=name, wanted=dict(wanted), test=_ABOUT_NAMED[name](wanted))
    for attribute in _READS.get(name, ()):
        _check_stated(name, attribute, kinds)
    return Condition(name=name, wanted=list(wanted), test=_ABOUT_LISTS[name](wanted))


def _check_stated(name: str, attribute: str, kinds: Kinds) -> None:
    for kind in sorted(kinds):
        if attribute not in ATTRIBUTES[kind]:
            raise InvalidInput(f"`{name}` asks for `{attribute}`, which {kind} does not have")


def _check_named(name: str, wanted: Mapping[str, Any], kinds: Kinds) -> None:
    for attribute, value in wanted.items():
        for kind in sorted(kinds):
            form = ATTRIBUTES[kind].get(attribute)
            if form is None:
                near = did_you_mean(attribute, ATTRIBUTES[kind])
                raise InvalidInput(f"{kind} has no attribute `{attribute}`{near}")
            if name in ("over", "at_most") and form is not Form.NUMBER:
                raise InvalidInput(f"`{attribute}` is a {form}, so it cannot be `{name}` anything")
            if name in ("is", "is_not"):
                _check_value(attribute, value, form)


def _check_value(attribute: str, value: str, form: Form) -> None:
    if form not in (Form.TEXT, Form.TRUTH):
        raise InvalidInput(f"`{attribute}` is a {form}; `is` compares texts and true or false")
    if form is Form.TRUTH and value not in ("true", "false"):
        raise InvalidInput(f"`{attribute}` is true or false, not {value!r}")


def _target(wanted: Sequence[str]) -> Test:
    return lambda action: action.target in wanted


def _target_glob(wanted: Sequence[str]) -> Test:
    globs = [Glob.parse(text) for text in wanted]
    return lambda action: _any_matches(globs, [action.target])


def _paths_any(wanted: Sequence[str]) -> Test:
    globs = [Glob.parse(text) for text in wanted]
    return lambda action: _any_matches(globs, read_paths(action))


def _paths_all(wanted: Sequence[str]) -> Test:
    globs = [Glob.parse(text) for text in wanted]

    def test(action: Action) -> bool:
        answers = [_best_answer(globs, path) for path in read_paths(action)]
        if Answer.NO in answers:
            return False
        if Answer.UNKNOWN in answers:
            raise CannotTell("a path matches only by another spelling or by its folder")
        return True

    return test


def _any_matches(globs: Sequence[Glob], paths: Sequence[str]) -> bool:
    answers = [_best_answer(globs, path) for path in paths]
    if Answer.YES in answers:
        return True
    if Answer.UNKNOWN in answers:
        raise CannotTell("a path matches only by another spelling or by its folder")
    return False


def _best_answer(globs: Sequence[Glob], path: str) -> Answer:
    if problem := unclean(path):
        raise CannotTell(f"a path {problem}")
    answers = {glob.match(path) for glob in globs}
    return next(a for a in (Answer.YES, Answer.UNKNOWN, Answer.NO) if a in answers)


def _touches_any(wanted: Sequence[str]) -> Test:
    parts = _known("part", wanted, list(Component))
    return lambda action: bool(parts & _some(action, "touches"))


def _touches_only(wanted: Sequence[str]) -> Test:
    parts = _known("part", wanted, list(Component))
    return lambda action: _some(action, "touches") <= parts


def _some(action: Action, name: str) -> frozenset[str]:
    values = frozenset(read_texts(action, name))
    if not values:
        raise CannotTell(f"`{name}` is empty")
    return values


def _executable(wanted: Sequence[str]) -> Test:
    return lambda action: _runs(read_argv(action), wanted)


def _argv_prefix(wanted: Sequence[str]) -> Test:
    def test(action: Action) -> bool:
        argv = read_argv(action)
        if _runs(argv, wanted[:1]):
            return argv[: len(wanted)] == tuple(wanted)
        return False

    return test


def _runs(argv: Sequence[str], programs: Sequence[str]) -> bool:
    """Whether argv runs one of the programs. No answer for a look-alike in another folder."""
    if not argv:
        return False
    if argv[0] in programs:
        return True
    names = {PurePosixPath(program).name.casefold() for program in programs}
    name = PurePosixPath(argv[0]).name.casefold()
    if name in names:
        raise CannotTell(f"{argv[0]!r} only has the same name")
    if name in _HIDES_A_COMMAND:
        raise CannotTell(f"{name!r} runs another program")
    return False


def _needs_any(wanted: Sequence[str]) -> Test:
    needs = _known("need", wanted, READABLE_NEEDS)
    return lambda action: _asked_for(action, needs)


def _needs_none(wanted: Sequence[str]) -> Test:
    needs = _known("need", wanted, READABLE_NEEDS)
    return lambda action: not _asked_for(action, needs)


def _asked_for(action: Action, needs: frozenset[str]) -> bool:
    found = [_has_need(action, need) for need in sorted(needs)]
    return any(found)


def _has_need(action: Action, need: str) -> bool:
    # A sealed run reaches these only through the kernel, which judges each call by itself: not
    # stating the need gives nothing away.
    if need in ("model", "knowledge"):
        return need in action.attributes and read_truth(action, need)
    if need == "secrets" and need not in action.attributes:
        return False
    if need.startswith("workspace_"):
        access = read_text(action, "workspace")
        return access == "write" or (access == "read" and need == "workspace_read")
    return bool(read_texts(action, need))


def _imports_any(wanted: Sequence[str]) -> Test:
    def test(action: Action) -> bool:
        new = read_texts(action, "new_imports")
        return any(name == w or name.startswith(f"{w}.") for name in new for w in wanted)

    return test


def _host(wanted: Sequence[str]) -> Test:
    for pattern in wanted:
        if "*" in pattern.removeprefix("*.") or pattern != pattern.lower():
            raise InvalidInput(f"the host {pattern!r} is neither plain and small nor `*.domain`")
    return lambda action: any(_host_matches(p, read_text(action, "host")) for p in wanted)


def _host_matches(pattern: str, host: str) -> bool:
    if not host or not host.isascii() or host != host.lower() or host.endswith("."):
        raise CannotTell(f"the host {host!r} is not in its plain form")
    if not pattern.startswith("*."):
        return host == pattern
    label, _, rest = host.partition(".")
    return bool(label) and rest == pattern.removeprefix("*.")


def _origins_any(wanted: Sequence[str]) -> Test:
    origins = _known("origin", wanted, list(Origin))
    return lambda action: bool(read_origins(action) & origins)


def _origins_only(wanted: Sequence[str]) -> Test:
    origins = _known("origin", wanted, list(Origin))
    return lambda action: read_origins(action) <= origins


def _carries(wanted: Sequence[str], labels: Labels) -> Test:
    _known("label", wanted, list(labels))
    by_origin = frozenset[Origin]().union(*(labels[name] for name in wanted))

    def test(action: Action) -> bool:
        stated = read_texts(action, "labels") if "labels" in action.attributes else ()
        return bool(by_origin & read_origins(action)) or not set(wanted).isdisjoint(stated)

    return test


def _known(what: str, wanted: Sequence[str], known: Sequence[str]) -> frozenset[str]:
    for name in wanted:
        if name not in known:
            raise InvalidInput(f"{name!r} is not a {what}{did_you_mean(name, known)}")
    return frozenset(wanted)


def _is(wanted: Mapping[str, str]) -> Test:
    def test(action: Action) -> bool:
        found = [_has_value(action, name, value) for name, value in wanted.items()]
        return all(found)

    return test


def _is_not(wanted: Mapping[str, str]) -> Test:
    def test(action: Action) -> bool:
        found = [_has_value(action, name, value) for name, value in wanted.items()]
        return not any(found)

    return test


def _has_value(action: Action, name: str, value: str) -> bool:
    if ATTRIBUTES[ActionKind(action.kind)][name] is Form.TRUTH:
        return read_truth(action, name) is (value == "true")
    return read_text(action, name) == value


def _over(wanted: Mapping[str, float]) -> Test:
    def test(action: Action) -> bool:
        found = [read_number(action, name) > limit for name, limit in wanted.items()]
        return any(found)

    return test


def _at_most(wanted: Mapping[str, float]) -> Test:
    def test(action: Action) -> bool:
        found = [read_number(action, name) <= limit for name, limit in wanted.items()]
        return all(found)

    return test


_ABOUT_LISTS: Mapping[str, Callable[[Sequence[str]], Test]] = {
    "target": _target,
    "target_glob": _target_glob,
    "paths_any": _paths_any,
    "paths_all": _paths_all,
    "touches_any": _touches_any,
    "touches_only": _touches_only,
    "executable": _executable,
    "argv_prefix": _argv_prefix,
    "needs_any": _needs_any,
    "needs_none": _needs_none,
    "imports_any": _imports_any,
    "host": _host,
    "origins_any": _origins_any,
    "origins_only": _origins_only,
}
_ABOUT_NAMED: Mapping[str, Callable[[Mapping[str, Any]], Test]] = {
    "is": _is,
    "is_not": _is_not,
    "over": _over,
    "at_most": _at_most,
}
_READS: Mapping[str, tuple[str, ...]] = {
    "paths_any": ("paths",),
    "paths_all": ("paths",),
    "touches_any": ("touches",),
    "touches_only": ("touches",),
    "executable": ("argv",),
    "argv_prefix": ("argv",),
    "needs_any": ("network", "workspace", "commands"),
    "needs_none": ("network", "workspace", "commands"),
    "imports_any": ("new_imports",),
    "host": ("host",),
}
NAMES = (*_ABOUT_LISTS, *_ABOUT_NAMED, "carries_label_any")
