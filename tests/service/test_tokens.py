"""Tokens: made once, kept as hashes, refused from the moment they are revoked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from autoclave.domain.errors import ConfigurationInvalid, Conflict, InvalidInput, NotFound
from autoclave.service.tokens import Role, TokenStore


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> TokenStore:
    return TokenStore(tmp_path, clock=clock)


def test_a_token_is_found_by_its_text(store: TokenStore) -> None:
    """Whole and exact; its text is nowhere on disk."""
    token, text = store.create("ci", Role.OPERATOR, by="person:me")

    assert store.find(text) == token
    assert store.is_good(token)
    assert store.find(text[:-1] + ("A" if text[-1] != "A" else "B")) is None
    assert store.find(text + "x") is None
    assert store.find("") is None
    assert len(text) > 43


def test_what_is_kept_is_a_hash_for_one_pair_of_eyes(store: TokenStore, tmp_path: Path) -> None:
    """Whoever reads the file can do nothing with it."""
    _, text = store.create("ci", Role.VIEWER, by="person:me")
    file = tmp_path / "tokens.json"

    assert file.stat().st_mode & 0o777 == 0o600
    assert text not in file.read_text()
    assert text.rpartition("_")[2] not in file.read_text()


def test_another_process_sees_a_change_at_once(tmp_path: Path, clock: Clock) -> None:
    """A new one is good, and a revoked one is not, without a word between them."""
    one, other = TokenStore(tmp_path, clock=clock), TokenStore(tmp_path, clock=clock)
    assert not other.has_any()
    token, text = one.create("ci", Role.VIEWER, by="person:me")
    assert other.find(text) == token
    one.revoke("ci")
    assert other.find(text) is None
    assert not other.is_good(token)
    assert not other.has_any()


def test_an_expired_token_is_none(store: TokenStore, clock: Clock) -> None:
    """From that moment on; the list says so."""
    token, text = store.create("ci", Role.VIEWER, by="person:me", lasts_seconds=60)
    clock.now += 59.9
    assert store.find(text) is not None
    clock.now += 0.1

    assert store.find(text) is None
    assert not store.is_good(token)
    assert store.list()[0]["expired"]
    assert not store.has_any()


def test_names_are_used_once(store: TokenStore) -> None:
    """And are names."""
    store.create("ci", Role.VIEWER, by="person:me")
    with pytest.raises(Conflict):
        store.create("ci", Role.APPROVER, by="person:me")
    with pytest.raises(NotFound):
        store.revoke("other")
    for name in ("", "a b", "../x", "a@b", "x" * 41):
        with pytest.raises(InvalidInput):
            store.create(name, Role.VIEWER, by="person:me")


def test_the_last_use_is_noted_now_and_then(
    store: TokenStore, clock: Clock, tmp_path: Path
) -> None:
    """Not with each request, and not in the file that says what is good."""
    _, text = store.create("ci", Role.VIEWER, by="person:me")
    before = (tmp_path / "tokens.json").read_bytes()
    store.find(text)
    assert store.list()[0]["last_used_at"] is None
    clock.now += 61
    store.find(text)

    assert store.list()[0]["last_used_at"] == clock.now
    assert (tmp_path / "tokens.json").read_bytes() == before


@pytest.mark.parametrize("damage", ["mode", "text", "role", "link"])
def test_a_file_that_cannot_be_trusted_lets_nobody_in(
    store: TokenStore, tmp_path: Path, damage: str
) -> None:
    """Readable by others, damaged, or not a file of its own."""
    _, text = store.create("ci", Role.VIEWER, by="person:me")
    file = tmp_path / "tokens.json"
    if damage == "mode":
        file.chmod(0o644)
    elif damage == "text":
        file.write_text("{")
    elif damage == "role":
        found = json.loads(file.read_text())
        found["tokens"][0]["role"] = "king"
        file.write_text(json.dumps(found))
    else:
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    os.utime(file, ns=(1, 1))

    with pytest.raises(ConfigurationInvalid):
        store.find(text)


def test_each_role_may_what_those_before_it_may() -> None:
    """In one order."""
    assert [[a.covers(b) for b in Role] for a in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
