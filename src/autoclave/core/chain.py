"""The keyed chain that makes every edit of the log visible: each MAC covers the one before."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import NamedTuple

from ..domain.errors import ConfigurationInvalid
from .durable import create_once

GENESIS = bytes(32)
"""What the first event of a log names as the MAC before it."""
_KEY_BYTES = 32


class Row(NamedTuple):
    """An event as it is stored; the fields are in the order of the table's columns."""

    id: int
    stream: str
    seq: int
    epoch: int
    kind: str
    version: int
    payload: str
    actor: str
    at: int
    """Microseconds since 1970."""
    prev: bytes
    mac: bytes


def mac_of(key: bytes, row: Row) -> bytes:
    """The MAC that a row must carry. Raises TypeError or ValueError for what no event can hold."""
    id_, stream, seq, epoch, kind, version, payload, actor, at, prev, _ = row
    # Every text carries its length, so that no two different rows have the same bytes.
    head = (
        f"event {id_:d} {seq:d} {epoch:d} {version:d} {at:d} "
        f"{len(stream)}:{stream}{len(kind)}:{kind}{len(actor)}:{actor}{len(prev)}:"
    )
    return hmac.digest(key, b"".join((head.encode(), prev, payload.encode())), "sha256")


def is_authentic(key: bytes, row: Row) -> bool:
    """Whether the row is what was written under this key; says nothing about its neighbours."""
    try:
        return hmac.compare_digest(mac_of(key, row), row.mac)
    except (TypeError, ValueError, AttributeError):
        return False


def mac_of_note(key: bytes, purpose: str, text: str) -> bytes:
    """The MAC of something kept beside the log (anchor, snapshot, checkpoint), by purpose."""
    return hmac.digest(key, f"{purpose}\n{text}".encode("utf-8", "surrogatepass"), "sha256")


def load_key(path: Path) -> bytes:
    """The home's secret key; made on first use with mode 0600.

    Raises ConfigurationInvalid when others may read it or when it is not a key.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_once(path, secrets.token_bytes(_KEY_BYTES))
        mode = path.stat().st_mode & 0o777
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationInvalid(
            f"the key file {path} cannot be read or made: {error.strerror}",
            hint="give this user its folder, or name another home with --home",
        ) from error
    if mode & 0o077:
        raise ConfigurationInvalid(
            f"the key file {path} has mode {mode:04o}: others can read the key of the journal",
            hint=f"chmod 600 {path}",
        )
    if len(key) != _KEY_BYTES:
        raise ConfigurationInvalid(
            f"the key file {path} holds {len(key)} bytes instead of {_KEY_BYTES}",
            hint="put the right key file back; without it the journal cannot be verified",
        )
    return key
