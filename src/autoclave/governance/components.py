"""Which part of the home a path belongs to: the closed set that rules call `touches`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from .globs import Answer, Glob, fold_path
from .paths import unclean


class Component(StrEnum):
    """A part of the home, named after who may change it and what rests on it."""

    CAPABILITIES = "capabilities"
    MIND = "mind"
    MANIFEST = "manifest"
    """What a capability may touch, and the examples that judge it."""
    TESTS = "tests"
    """All that measures: tests, evals and test settings."""
    KERNEL = "kernel"
    RULES = "rules"
    SANDBOX = "sandbox"
    APPROVAL = "approval"
    AUDIT = "audit"
    CI = "ci"
    SECRETS = "secrets"
    DOCS = "docs"
    OTHER = "other"


_OUTSIDE_THE_BODY: tuple[tuple[Component, tuple[str, ...]], ...] = (
    (Component.SECRETS, (".env", ".env.*", "*.key", "*.pem", ".ssh/", "id_*", ".autoclave/")),
    (Component.CI, (".ci/", ".github/", ".circleci/", ".gitlab-ci.*", "Makefile", "*.mk")),
    (Component.CI, (".pre-commit-config.*", ".git/")),
    (Component.RULES, ("safety_rules.*",)),
    (Component.APPROVAL, ("/src/autoclave/governance/approval*",)),
    (Component.AUDIT, ("/src/autoclave/governance/audit*", "/src/autoclave/core/journal*")),
    (Component.AUDIT, ("/src/autoclave/core/journal*/", "/checkpoints/")),
    (Component.RULES, ("/src/autoclave/governance/",)),
    (Component.SANDBOX, ("/src/autoclave/sandbox/", "/sandbox/")),
    (Component.KERNEL, ("/src/", "/pyproject.toml", "/uv.lock", "/setup.*")),
    (Component.TESTS, ("/tests/", "/evals/", "conftest.py", "pytest.ini", "tox.ini")),
    (Component.DOCS, ("/docs/", "/*.md")),
)
"""The first line that fits decides, so the more guarded part comes first."""

_TESTS = ("tests/", "test_*.py", "*_test.py", "conftest.py", "pytest.ini", "tox.ini")
_BODIES = {"capabilities": Component.CAPABILITIES, "mind": Component.MIND}
_GLOBS = tuple(
    (component, tuple(Glob.parse(text) for text in texts)) for component, texts in _OUTSIDE_THE_BODY
)
_TEST_GLOBS = tuple(Glob.parse(text) for text in _TESTS)


def touches_of(paths: Iterable[str], *, body_prefixes: Sequence[str]) -> list[str]:
    """The parts that a change of these home-relative paths touches, sorted.

    `body_prefixes` are the folders that the agent may propose changes to; the last name of each
    says which part it is: `src/autoclave/mind` is the mind, `capabilities` the capabilities.
    """
    return sorted({str(_component(path, body_prefixes)) for path in paths})


def _component(path: str, body_prefixes: Sequence[str]) -> Component:
    if unclean(path):
        return Component.OTHER
    for prefix in body_prefixes:
        root = prefix.rstrip("/") + "/"
        if path.startswith(root):
            body = _BODIES.get(root.rstrip("/").rpartition("/")[2], Component.OTHER)
            return _inside(body, path.removeprefix(root))
    return _first(_GLOBS, path) or Component.OTHER


def _inside(body: Component, path: str) -> Component:
    if fold_path(path).endswith("/capability.toml"):
        return Component.MANIFEST
    if any(_fits(glob, path) for glob in _TEST_GLOBS):
        return Component.TESTS
    return body


def _first(table: tuple[tuple[Component, tuple[Glob, ...]], ...], path: str) -> Component | None:
    return next((part for part, globs in table if any(_fits(g, path) for g in globs)), None)


def _fits(glob: Glob, path: str) -> bool:
    """Another spelling of a guarded name is guarded too."""
    return glob.match(path) is not Answer.NO
