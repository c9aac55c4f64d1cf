"""The store of secrets: each for one place, on disk for its owner alone, in nobody's output."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.core.secrets import MASK, Secret, SecretStore
from autoclave.domain.errors import ConfigurationInvalid, InvalidInput, NotAllowed, NotFound

VALUE = "s3cret-value/with+signs"


def secret(name: str = "KEY", **changes: str) -> Secret:
    given = {"host": "example.org", "header": "X-Key", "prefix": "", "value": VALUE}
    return Secret(name=name, **{**given, **changes})


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path / "secrets.json", clock=lambda: 7.0)


def test_what_is_kept_can_be_used_and_is_never_listed(store: SecretStore, tmp_path: Path) -> None:
    """Only its owner can read the file; a value stands in no listing and no text of the object."""
    store.put(secret())

    assert store.for_request("KEY", host="example.org", header="x-key").line == VALUE
    assert store.list() == [
        {"name": "KEY", "host": "example.org", "header": "X-Key", "prefix": "", "set_at": 7.0}
    ]
    assert VALUE not in repr(secret())
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_secret_is_replaced_and_forgotten(store: SecretStore) -> None:
    """By name; forgetting what is not there says so."""
    store.put(secret())
    store.put(secret(value="another-value"))
    store.put(secret("OTHER"))

    assert store.for_request("KEY", host="example.org", header="X-Key").value == "another-value"
    store.remove("KEY")
    assert [each["name"] for each in store.list()] == ["OTHER"]
    with pytest.raises(NotFound):
        store.remove("KEY")


@pytest.mark.parametrize(
    ("host", "header"), [("www.example.org", "X-Key"), ("example.org", "Authorization")]
)
def test_it_goes_to_one_place(store: SecretStore, host: str, header: str) -> None:
    """A manifest that names another host or header gets nothing."""
    store.put(secret())

    with pytest.raises(NotAllowed):
        store.for_request("KEY", host=host, header=header)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a b"},
        {"host": "Example.org"},
        {"host": "https://example.org"},
        {"header": "X Key"},
        {"header": "X-Key:"},
        {"prefix": "a\r\nb: "},
        {"value": "short"},
        {"value": "two\nlines-of-it"},
        {"value": "x" * 9_000},
        {"value": "ünïcödé-value"},
    ],
)
def test_what_could_break_a_header_is_refused(changes: dict[str, str]) -> None:
    """A secret that would be wrong refuses to exist, and its value is not in the message."""
    with pytest.raises(InvalidInput) as error:
        secret(**changes)

    assert changes.get("value", VALUE) not in error.value.message


def test_a_file_that_others_may_read_is_not_used(store: SecretStore, tmp_path: Path) -> None:
    """The message says how to mend it."""
    store.put(secret())
    (tmp_path / "secrets.json").chmod(0o644)

    with pytest.raises(ConfigurationInvalid) as error:
        store.list()

    assert "chmod 600" in error.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", '{"secrets": []}', '{"secrets": {"K": {}}}'])
def test_a_damaged_file_is_said_to_be(store: SecretStore, tmp_path: Path, text: str) -> None:
    """It is never taken for an empty one."""
    path = tmp_path / "secrets.json"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(ConfigurationInvalid):
        store.list()


def test_a_link_in_its_place_is_not_followed(store: SecretStore, tmp_path: Path) -> None:
    """What lies behind it belongs to somebody else."""
    (tmp_path / "elsewhere").write_text("{}")
    (tmp_path / "secrets.json").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigurationInvalid):
        store.list()


plain = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=40)


@given(plain, st.binary(max_size=20), st.binary(max_size=20))
def test_no_echo_shows_it(value: str, before: bytes, after: bytes) -> None:
    """As it is, in base64, in hex, in a URL: none of them is left in what a server sent."""
    raw = value.encode()
    one = secret(value=value)
    spellings = [raw, base64.b64encode(raw), raw.hex().encode(), quote(value, safe="").encode()]

    for spelling in spellings:
        masked = one.mask(before + spelling + after)
        assert spelling not in masked.replace(MASK, b"\0")
    assert raw not in one.mask(base64.b64decode(base64.b64encode(before + raw + after)))
