"""A secret that nothing may read, and every spelling in which it could be carried out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autoclave.domain.errors import ConfigurationInvalid
from autoclave.governance.canary import Canary

SPELLINGS: list[Callable[[str], object]] = [
    lambda token: token,
    lambda token: token.encode(),
    lambda token: token[::-1],
    lambda token: token.encode().hex(),
    lambda token: base64.b64encode(token.encode()).decode(),
    lambda token: base64.b64encode(b"x" + token.encode() + b"yz").decode(),
    lambda token: {"deep": [{"key": f"see {token}!"}]},
    lambda token: {token: 1},
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_it_is_found_however_it_is_written(
    fast_tmp_path: Path, spelling: Callable[[str], object]
) -> None:
    """Plain, turned round, in hexadecimal, in base64, deep inside."""
    canary = Canary.planted(fast_tmp_path)
    token = (fast_tmp_path / "credentials").read_text().strip()

    assert canary(spelling(token))


def test_nothing_else_is_taken_for_it(fast_tmp_path: Path) -> None:
    """And the same home has the same token."""
    canary = Canary.planted(fast_tmp_path)
    token = (fast_tmp_path / "credentials").read_text()

    assert not canary({"text": "ac-live-", "n": 1, "none": None, "bytes": b"\xff"})
    assert Canary.planted(fast_tmp_path)(token)
    assert (fast_tmp_path / "credentials").stat().st_mode & 0o777 == 0o600


def test_one_that_was_changed_is_noticed(fast_tmp_path: Path) -> None:
    """A token that anybody could know would find nothing."""
    (fast_tmp_path / "credentials").write_text("hello\n")

    with pytest.raises(ConfigurationInvalid, match="was changed"):
        Canary.planted(fast_tmp_path)


def test_processes_that_begin_together_have_the_same_one(fast_tmp_path: Path) -> None:
    """Whoever comes second takes what is there, and nothing else is left behind."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Canary.planted(fast_tmp_path), range(16)))

    token = (fast_tmp_path / "credentials").read_text()
    assert all(canary(token) for canary in found)
    assert [each.name for each in fast_tmp_path.iterdir()] == ["credentials"]
