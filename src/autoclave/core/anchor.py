"""The head of the log, kept outside the database, so that a shorter log is noticed."""

from __future__ import annotations

import fcntl
import hmac
import os
from pathlib import Path
from typing import NamedTuple

from ..domain.errors import ConfigurationInvalid, JournalBroken
from .chain import GENESIS, mac_of_note
from .durable import create_once

_LENGTH = len("autoclave-anchor 1 ") + 20 + 1 + 64 + 1 + 64 + 1


class Anchored(NamedTuple):
    """The newest event that the anchor knows of; id 0 for an empty log."""

    id: int
    mac: bytes


class Anchor:
    """One small file, written in place after each commit.

    It is not synced: the database is durable first, so that after a power cut the anchor may be
    behind the log, which is harmless, and never ahead of it.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key
        self._descriptor: int | None = None

    def read(self) -> Anchored | None:
        """What it holds, None when there is no file. JournalBroken when it is not to be trusted."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise JournalBroken(
                f"the anchor {self.path} cannot be read: {error.strerror}",
                hint="give this user read and write access to the file",
            ) from error
        anchored = _parse(text)
        if anchored is None or not hmac.compare_digest(self._line(anchored), text):
            raise JournalBroken(
                f"the anchor {self.path} does not carry this key's MAC: "
                "it was changed, or the key file is not the one it was written with",
                hint="put the right key and anchor back, or `autoclave checkpoint restore`",
            )
        return anchored

    def start(self) -> None:
        """Make the file for an empty log. Raises ConfigurationInvalid when it cannot be made."""
        try:
            self._open()
        except OSError as error:
            raise ConfigurationInvalid(
                f"the anchor {self.path} cannot be written: {error.strerror}",
                hint="give this user write access to the home, or name another one with --home",
            ) from error

    def move(self, id_: int, mac: bytes) -> None:
        """Move forward to a newer head; a newer one that another process wrote stays."""
        descriptor = self._open()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            there = _parse(os.pread(descriptor, _LENGTH, 0))
            if there is None or there.id < id_:
                os.pwrite(descriptor, self._line(Anchored(id_, mac)), 0)
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def reset(self, id_: int, mac: bytes) -> None:
        """Set the head even if that is a step back: only for a restore that records why."""
        descriptor = self._open()
        os.pwrite(descriptor, self._line(Anchored(id_, mac)), 0)
        os.ftruncate(descriptor, _LENGTH)
        os.fsync(descriptor)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            if not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                create_once(self.path, self._line(Anchored(0, GENESIS)))
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        return self._descriptor

    def _line(self, anchored: Anchored) -> bytes:
        text = f"autoclave-anchor 1 {anchored.id:020d} {anchored.mac.hex()}"
        return f"{text} {mac_of_note(self._key, 'anchor', text).hex()}\n".encode()


def _parse(text: bytes) -> Anchored | None:
    parts = text.split(b" ")
    if len(text) != _LENGTH or len(parts) != 5:
        return None
    try:
        return Anchored(int(parts[2]), bytes.fromhex(parts[3].decode("ascii")))
    except ValueError:
        return None
