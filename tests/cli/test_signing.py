"""The keys of people: where they lie, who can read them, when they sign."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoclave.cli import signing
from autoclave.cli.output import Output
from autoclave.cli.signing import KeyFile, Keyring, create_key, key_file, key_files
from autoclave.domain.approval import Sheet
from autoclave.domain.errors import Conflict, CredentialMissing, InvalidInput
from autoclave.governance.credentials import verify
from autoclave.service.goals import check_workspace
from autoclave.service.home import owners_folder

SHEET = Sheet(subject="P-0001", digest="d", home="h", expires_at=9e9, owners={})


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(signing.VARIABLE, raising=False)


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring(output=Output(), home=tmp_path / "home")


def sheet(**owners: str) -> Sheet:
    return replace(SHEET, owners={key: name for name, key in owners.items()})


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """A terminal at which somebody writes a passphrase, unseen."""

    async def ask_hidden(output: Output, question: str) -> str:
        return said

    monkeypatch.setattr(signing, "ask_hidden", ask_hidden)
    monkeypatch.setattr(Output, "may_ask", True)


def test_a_key_is_for_its_owners_eyes_only() -> None:
    """File and folder, whatever the umask is; and nothing is written over."""
    before = os.umask(0)
    try:
        create_key(key_file("maria"))
    finally:
        os.umask(before)

    path = owners_folder() / "maria.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(Conflict):
        create_key(key_file("maria"))


async def test_what_it_signs_is_checked_by_the_public_half_alone(ring: Keyring) -> None:
    """Every signature says a new nonce."""
    key = create_key(key_file("maria"))

    yes, again = await ring.sign(sheet(maria=key)), await ring.sign(sheet(maria=key))

    assert verify(key, yes.statement, yes.signature)
    assert not verify(key, yes.statement, again.signature)
    assert yes.nonce != again.nonce
    assert yes.granted_by == "person:maria"


@pytest.mark.parametrize(
    ("key", "signature"), [("", ""), ("zz", "00"), ("00" * 32, "00" * 64), ("0" * 64, "é")]
)
def test_nonsense_is_no_signature(key: str, signature: str) -> None:
    """And raises nothing."""
    assert not verify(key, "text \ud800", signature)


async def test_a_passphrase_is_asked_for_at_the_terminal(
    ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each command; the file holds no key that can be read without it."""
    key = create_key(key_file("maria"), passphrase="geheim")
    assert b"ENCRYPTED" in (owners_folder() / "maria.key").read_bytes()
    at_a_terminal(monkeypatch, "geheim")

    yes = await ring.sign(sheet(maria=key))

    assert verify(key, yes.statement, yes.signature)


async def test_a_wrong_passphrase_signs_nothing(
    ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error that says which key."""
    key = create_key(key_file("maria"), passphrase="geheim")
    at_a_terminal(monkeypatch, "falsch")

    with pytest.raises(CredentialMissing, match=r"maria\.key"):
        await ring.sign(sheet(maria=key))


async def test_without_a_terminal_an_encrypted_key_signs_nothing(ring: Keyring) -> None:
    """It is not looked for in the environment or among the arguments."""
    key = create_key(key_file("maria"), passphrase="geheim")

    with pytest.raises(CredentialMissing, match="no terminal"):
        await ring.sign(sheet(maria=key))


def _readable(path: Path) -> None:
    path.chmod(0o644)


def _a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _gone(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.with_suffix(".old").rename(path.with_name("other.txt"))


def _garbage(path: Path) -> None:
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_readable, "others can read"),
        (_a_pipe, "not a regular file"),
        (_gone, "you have no owner's key"),
        (_garbage, "not the key of an owner"),
    ],
)
async def test_a_key_that_is_not_as_it_should_be_signs_nothing(
    ring: Keyring, spoil: Callable[[Path], None], why: str
) -> None:
    """Each is one clear error, and none of them hangs."""
    key = create_key(key_file("maria"))
    spoil(owners_folder() / "maria.key")

    with pytest.raises(CredentialMissing, match=why):
        await ring.sign(sheet(maria=key))


async def test_the_key_that_owns_the_home_is_the_one_that_signs(ring: Keyring) -> None:
    """With several, a name says which; a stranger's key is told how to be added."""
    keys = {name: create_key(key_file(name)) for name in ("ann", "bob", "eve")}
    two = sheet(ann=keys["ann"], bob=keys["bob"])

    assert (await ring.sign(sheet(bob=keys["bob"]))).granted_by == "person:bob"
    assert (await replace(ring, wanted="ann").sign(two)).granted_by == "person:ann"
    with pytest.raises(Conflict, match="ann, bob"):
        await ring.sign(two)
    with pytest.raises(CredentialMissing) as stranger:
        await replace(ring, wanted="eve").sign(two)
    assert stranger.value.hint.endswith(f"autoclave owner add eve {keys['eve']}")
    with pytest.raises(CredentialMissing, match="no key 'nobody'"):
        await replace(ring, wanted="nobody").sign(two)


async def test_another_file_can_be_named_but_not_one_in_the_home(
    ring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the agent works in is no place for what decides over it."""
    elsewhere, inside = tmp_path / "stick" / "k.key", tmp_path / "home" / "k.key"
    keys = {path: create_key(KeyFile(path=path)) for path in (elsewhere, inside)}

    monkeypatch.setenv(signing.VARIABLE, str(elsewhere))
    assert (await ring.sign(sheet(ann=keys[elsewhere]))).signature
    monkeypatch.setenv(signing.VARIABLE, str(inside))
    with pytest.raises(CredentialMissing, match="inside the home"):
        await ring.sign(sheet(ann=keys[inside]))


def test_names_of_keys_stay_in_their_folder() -> None:
    """A name is no path."""
    for name in ("../x", "a/b", "", ".hidden"):
        with pytest.raises(InvalidInput):
            key_file(name)
    assert key_files() == []


def test_a_workspace_that_holds_the_keys_is_refused(tmp_path: Path) -> None:
    """A sealed run gets a copy of its workspace."""
    create_key(key_file("maria"))
    (tmp_path / "work").mkdir()

    for folder in (tmp_path, tmp_path / "config", owners_folder()):
        with pytest.raises(InvalidInput, match="keys of owners"):
            check_workspace(folder)
    assert check_workspace(tmp_path / "work")


def test_a_first_owner_is_made_and_enrolled(
    call: Callable[..., Any], control: Any, tmp_path: Path
) -> None:
    """Once; the second time it says that it was there."""
    control.answers["owners"] = {"home": "", "owners": [], "waiting": []}
    control.answers["enrol_first_owner"] = {"home": "h", "owners": [], "waiting": []}

    made = call("owner", "create", "--name", "maria", "--json").json

    assert (made["name"], made["made"], made["enrolled"]) == ("maria", True, True)
    assert control.asked[1][1] == ("maria", made["key"])
    owned = {"name": "maria", "key": made["key"], "since": 0.0, "by": "person:x"}
    control.answers["owners"] = {"home": "h", "owners": [owned], "waiting": []}
    again = call("owner", "create", "--json").json
    assert (again["key"], again["made"], again["owns"]) == (made["key"], False, True)
    assert "maria.key" in call("owner", "list").out


def test_a_key_for_a_home_that_others_own_waits_for_them(
    call: Callable[..., Any], control: Any
) -> None:
    """It ends with 11 and says what they have to do."""
    owned = {"name": "ann", "key": "0" * 64, "since": 0.0, "by": "person:x"}
    control.answers["owners"] = {"home": "h", "owners": [owned], "waiting": []}

    called = call("owner", "create", "--name", "bob")

    assert called.code == 11
    assert "autoclave owner add bob" in called.out


def test_adding_an_owner_waits_for_the_second_yes(
    call: Callable[..., Any], control: Any, owner_sheet: Sheet
) -> None:
    """Signed with the key of whoever says it."""
    waiting = {"change": "add", "name": "bob", "signed_by": ["person:maria"]}
    waiting["waits_for"] = "a second person"
    done = {"done": False, "home": "h", "owners": [], "waiting": [waiting]}
    control.answers |= {"owner_sheet": owner_sheet, "change_owners": done}

    called = call("owner", "add", "bob", "0" * 64)

    assert called.code == 11
    assert "add bob: signed by person:maria, waits for a second person" in called.out
    assert control.asked[1][2]["signed"].granted_by == "person:maria"


def test_nothing_but_the_signing_module_knows_how_to_open_a_key() -> None:
    """Imports are held by `.importlinter`; this holds the words."""
    package = Path(signing.__file__).parent.parent
    words = ("Ed25519PrivateKey", "load_pem_private_key", "AUTOCLAVE_OWNER_KEY")

    knows = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in words)
    }

    assert knows == {"cli/signing.py", "settings.py"}  # that one only knows the variable's name
