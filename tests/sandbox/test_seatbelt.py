"""The profile for macOS, as text: there is no machine here to try it on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import InvalidInput
from autoclave.sandbox.seatbelt import profile, quoted

GOLDEN_END = """\
(allow file-read* file-write-data (literal "/dev/null"))
(allow file-read* file-write-data (literal "/dev/zero"))
(allow file-read* file-write-data (literal "/dev/random"))
(allow file-read* file-write-data (literal "/dev/urandom"))
(allow file-write* (subpath "/private/tmp/run/work"))
(deny file-write-setugid)
(deny file-mknod)
"""
RULE = re.compile(
    r"\((?:allow|deny) [a-z*\- ]+"
    r'(?: \((?:literal|subpath|sysctl-name) "(?:[^"\\]|\\.)*"\))?\)'
)
TARGET = re.compile(r"\(allow (?:signal|process-info\*) \(target same-sandbox\)\)")


def test_everything_is_denied_first_and_only_the_run_folder_is_written() -> None:
    """The golden end, and no rule that names a service, a socket or another process."""
    text = profile(readable=["/opt/python"], writable="/private/tmp/run/work")

    assert text.startswith("(version 1)\n(deny default)\n")
    assert text.endswith(GOLDEN_END)
    assert '(allow file-read* (subpath "/opt/python"))' in text
    assert '(allow file-read-metadata (literal "/private/tmp/run"))' in text
    assert text.count("file-write*") == 1
    for word in (
        "network",
        "mach-",
        "procargs",
        "ipc",
        "iokit",
        "system-socket",
        "others",
        "(allow default",
    ):
        assert word not in text
    assert '(subpath "/")' not in text
    assert "/Users" not in text


def test_links_on_the_way_may_be_followed_and_lead_no_further() -> None:
    """The link itself and the names above it, not what lies beside it."""
    text = profile(readable=["/opt/real"], writable="/private/w", links=["/usr/local/venv/bin/py"])

    assert '(allow file-read* (literal "/usr/local/venv/bin/py"))' in text
    assert '(allow file-read-metadata (literal "/usr/local/venv/bin"))' in text
    assert '(subpath "/usr/local/venv' not in text


def test_what_is_read_may_be_run_and_loaded_and_of_the_machine_only_harmless_facts_are_told() -> (
    None
):
    """Programs and libraries of the trees; the environment of other processes stays closed."""
    text = profile(readable=["/opt/real"], writable="/private/w")

    assert '(allow process-exec* (subpath "/opt/real"))' in text
    assert '(allow file-map-executable (subpath "/opt/real"))' in text
    assert "(allow sysctl-read)" not in text
    assert '(allow sysctl-read (sysctl-name "hw.ncpu"))' in text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/a b", '"/a b"'),
        ('/a"b', '"/a\\"b"'),
        ('/a")(allow default)("', '"/a\\")(allow default)(\\""'),
        ("/a\\", '"/a\\\\"'),
        ('/a\\"', '"/a\\\\\\""'),
        ("/a(b);c#d", '"/a(b);c#d"'),
        ("/é/日本", '"/é/日本"'),
    ],
)
def test_hostile_names_stay_names(path: str, said: str) -> None:
    """A quote or a backslash does not end the string; the rest means nothing in it."""
    assert quoted(path) == said


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "a",
        "a/b",
        "/a\nb",
        "/a\rb",
        "/a\0b",
        "/a\x1bb",
        "/a/../b",
        "/a/./b",
        "/a//b",
        "/a/",
    ],
)
def test_paths_that_leave_a_doubt_are_refused(path: str) -> None:
    """Line breaks, controls, the root itself, and detours."""
    with pytest.raises(InvalidInput):
        quoted(path)


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_name_adds_a_rule(tree: str, folder: str) -> None:
    """Whatever a path holds, every line is one rule of a known form, or there is no profile."""
    try:
        text = profile(readable=[f"/{tree}"], writable=f"/{folder}")
    except InvalidInput:
        return

    plain = profile(readable=["/tree"], writable="/folder").splitlines()
    lines = text.splitlines()
    assert all(RULE.fullmatch(line) or TARGET.fullmatch(line) for line in lines[2:])
    assert [line for line in lines if "/" not in line] == [
        line for line in plain if "/" not in line
    ]
    assert sum("file-write*" in line.partition('"')[0] for line in lines) == 1
