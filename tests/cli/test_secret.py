"""`autoclave secret`: values go in and never come out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.cli.app import run
from autoclave.service.home import init_home

VALUE = "s3cret-value-0123"


@pytest.fixture
def secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """`secret("list")`: one call on a real home, with `VALUE` on standard input."""
    home = init_home(tmp_path / "real").home

    def call(*arguments: str, given: str = f"{VALUE}\n") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code = run(["--home", str(home.root), "secret", *arguments])
        said = capsys.readouterr()
        return int(code), said.out + said.err

    return call


def test_a_secret_is_set_listed_and_removed(secret: Callable[..., Any], tmp_path: Path) -> None:
    """It is read from standard input, kept for the host, and shown by its name alone."""
    done = [
        secret("set", "KEY", "--host", "API.example.org", "--prefix", "Bearer "),
        secret("list"),
        secret("list", "--json"),
        secret("remove", "KEY"),
        secret("list"),
    ]

    assert [code for code, _ in done] == [0] * 5
    assert "KEY  to api.example.org in Authorization: Bearer …" in done[1][1]
    assert '"host": "api.example.org"' in done[2][1]
    assert "no secrets" in done[4][1]
    assert all(VALUE not in text for _, text in done)
    holding = [each for each in (tmp_path / "real").rglob("*") if each.is_file()]
    assert not any(VALUE.encode() in each.read_bytes() for each in holding)


@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [
        (("set", "KEY", "--host", "example.org"), "short\n", 2),
        (("set", "KEY", "--host", "https://example.org/"), f"{VALUE}\n", 2),
        (("set", "a b", "--host", "example.org"), f"{VALUE}\n", 2),
        (("set", "KEY"), f"{VALUE}\n", 2),
        (("remove", "KEY"), "", 3),
    ],
)
def test_what_cannot_be_kept_says_why(
    secret: Callable[..., Any], arguments: tuple[str, ...], given: str, code: int
) -> None:
    """And the value is in no message."""
    found, said = secret(*arguments, given=given)

    assert found == code
    assert said
    assert VALUE not in said
