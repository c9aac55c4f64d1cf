"""Path patterns: a star stays in its folder, and near misses are never a clear no."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import InvalidInput
from autoclave.governance.globs import Answer, Glob, fold_path

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN


@pytest.mark.parametrize(
    ("pattern", "path", "answer"),
    [
        ("*.py", "a.py", YES),
        ("*.py", "deep/down/a.py", YES),
        ("/*.py", "a.py", YES),
        ("/*.py", "deep/a.py", NO),
        ("src/*.py", "src/a.py", YES),
        ("src/*.py", "src/b/a.py", NO),
        ("src/*", "src/b/a.py", UNKNOWN),
        ("src/**", "src/b/a.py", YES),
        ("src/**", "src", NO),
        ("src/**/test.py", "src/test.py", YES),
        ("src/**/test.py", "src/a/b/test.py", YES),
        ("**/secrets/**", "secrets/a", YES),
        ("**/secrets/**", "a/secrets/b/c", YES),
        ("secrets/", "a/secrets/b", YES),
        ("/secrets/", "a/secrets/b", NO),
        ("secrets", "a/secrets", YES),
        ("secrets", "a/secrets/b", UNKNOWN),
        ("notes.md", "notes.md/hidden.sh", UNKNOWN),
        ("**", "any/thing", YES),
        ("a?c", "abc", YES),
        ("a?c", "a/c", NO),
        ("[a-c]x", "bx", YES),
        ("[!a-c]x", "bx", NO),
        ("[]a]x", "]x", YES),
        (r"\*", "*", YES),
        (r"\*", "a", NO),
        (".env", ".ENV", UNKNOWN),
        (".env", ".\uff45\uff4e\uff56", UNKNOWN),
        (".env", ".env.", UNKNOWN),
        (".git/**", ".git \\hooks/x", UNKNOWN),
        (".git/**", ".GIT/hooks/x", UNKNOWN),
        (".git/**", ".git::$INDEX_ALLOCATION/x", UNKNOWN),
        ("Makefile", "makefile", UNKNOWN),
        ("a*b*c", "a-b-c", YES),
        ("a*b*c", "a-c-b", NO),
    ],
)
def test_pattern(pattern: str, path: str, answer: Answer) -> None:
    """Patterns read as in a .gitignore; another spelling or only a folder is no clear answer."""
    assert Glob.parse(pattern).match(path) is answer


@pytest.mark.parametrize(
    "pattern", ["", "/", "!a", "a//b", "../a", "a/./b", "a**b", "[ab", "a\\", "x" * 201]
)
def test_pattern_that_cannot_mean_what_it_says_is_refused(pattern: str) -> None:
    """Better no rule file than a pattern that never matches."""
    with pytest.raises(InvalidInput):
        Glob.parse(pattern)


_NAMES = st.text(string.ascii_letters + "._-", min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=5).map("/".join)


@given(_PATHS)
def test_path_is_its_own_pattern(path: str) -> None:
    """A plain path, anchored, matches itself."""
    assert Glob.parse(f"/{path}").match(path) is YES


@given(_PATHS, _NAMES)
def test_folder_pattern_takes_in_all_below(folder: str, name: str) -> None:
    """`folder/**` matches everything below the folder, however spelled."""
    glob = Glob.parse(f"/{folder}/**")

    assert glob.match(f"{folder}/{name}") is YES
    assert glob.match(f"{folder}/{name}".swapcase()) is not NO


@given(_PATHS)
def test_single_star_never_crosses_a_slash(path: str) -> None:
    """`/*` is a clear yes for exactly the names at the top."""
    assert (Glob.parse("/*").match(path) is YES) == ("/" not in path)


@given(st.text(max_size=40))
def test_folding_settles(path: str) -> None:
    """Folding a folded path changes nothing, so no spelling needs two rounds."""
    assert fold_path(fold_path(path)) == fold_path(path)


def test_hostile_pattern_and_path_are_matched_in_bounded_time() -> None:
    """Stars do not multiply: this would never end with backtracking."""
    glob = Glob.parse("**/" * 30 + "*a" * 40 + "b")

    assert glob.match("/".join(["a" * 200] * 15)) is NO
