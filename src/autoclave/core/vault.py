"""What stands behind the marks: the secrets of each stream, in one private file."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from ..domain.canonical import JsonObject
from ..domain.errors import NotFound, OutOfResources
from ..domain.ports import Clock
from .durable import replace_whole, sync_folder
from .redaction import Redaction, reveal

_AFTER_END_SECONDS = 30 * 86_400.0
_OTHERS_SECONDS = 90 * 86_400.0

T = TypeVar("T")


class Conceal(Protocol):
    """`Vault.conceal`."""

    def __call__(self, stream: str, value: T, *, literal: bool = False) -> T: ...


class Reveal(Protocol):
    """`Vault.reveal`."""

    def __call__(self, stream: str, value: T) -> T: ...


def keep_as_is(stream: str, value: T, *, literal: bool = False) -> T:
    """Conceal, where nothing is taken for a secret."""
    return value


def as_written(stream: str, value: T) -> T:
    """Reveal, where nothing was concealed."""
    return value


class Vault:
    """Takes secrets out of values, and puts them back where the kernel acts.

    A mark is worth something only in the stream that it was made for. What is kept is on disk
    before the value with the mark in it can be. Safe from any thread and between processes.
    """

    def __init__(self, path: Path, redaction: Redaction, *, clock: Clock = time.time) -> None:
        self.redaction = redaction
        self._path = path
        self._clock = clock
        self._secrets: dict[tuple[str, str], str] = {}
        self._read_to = (0, 0)

    def conceal(self, stream: str, value: T, *, literal: bool = False) -> T:
        """The value with a mark in the place of every secret; see `Redaction.conceal`."""
        concealed, minted = self.redaction.conceal(value, literal=literal)
        if minted:
            self._keep(stream, minted)
        return concealed

    def reveal(self, stream: str, value: T) -> T:
        """The value as it was before. Raises NotFound for a mark that nothing is known of."""

        def secret_of(mark: str) -> str:
            found = self._secrets.get((stream, mark))
            if found is None:
                self._read()
                found = self._secrets.get((stream, mark))
            if found is None:
                raise NotFound(
                    f"{mark} stands for a secret that is not kept for {stream} (any more)",
                    hint="add the goal again with the secret in it, or give it another way",
                )
            return found

        return reveal(value, secret_of)

    def prune(self, is_needed: Callable[[str, float], bool]) -> int:
        """Forget what is not needed any more: by stream, and when it was kept. How many."""
        if not self._path.exists():
            return 0
        with self._alone():
            lines = list(self._lines())
            kept = [line for line in lines if is_needed(line["stream"], line["at"])]
            if len(kept) == len(lines):
                return 0
            text = "".join(f"{json.dumps(line)}\n" for line in kept).encode()
            replace_whole(self._path, lambda file: file.write(text))
            self._read()
        return len(lines) - len(kept)

    def _keep(self, stream: str, minted: dict[str, str]) -> None:
        self._read()
        if self._unknown(stream, minted):
            with self._alone():
                self._read()
                if fresh := self._unknown(stream, minted):
                    self._append(stream, fresh)

    def _unknown(self, stream: str, minted: dict[str, str]) -> dict[str, str]:
        return {mark: each for mark, each in minted.items() if (stream, mark) not in self._secrets}

    def _append(self, stream: str, fresh: dict[str, str]) -> None:
        at = round(self._clock(), 3)
        lines = (
            json.dumps({"stream": stream, "mark": mark, "secret": secret, "at": at})
            for mark, secret in fresh.items()
        )
        try:
            _append_durably(self._path, "".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise OutOfResources(
                f"the vault {self._path} cannot be written: {error.strerror}",
                hint="free some space on the disk of the home, then try again",
            ) from error
        added = {(stream, mark): secret for mark, secret in fresh.items()}
        self._secrets = {**self._secrets, **added}
        self._read_to = self._stamp()

    def _read(self) -> None:
        """Take note of what other processes kept or forgot."""
        stamp = self._stamp()
        if stamp != self._read_to:
            lines = self._lines()
            self._secrets = {(each["stream"], each["mark"]): each["secret"] for each in lines}
            self._read_to = stamp

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_ino, found.st_size)

    def _lines(self) -> Iterator[JsonObject]:
        if not self._path.exists():
            return
        for line in self._path.read_bytes().splitlines():
            # A line that a kill cut off was never relied on.
            with suppress(ValueError):
                yield json.loads(line)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self._path.with_name(f"{self._path.name}.lock")
        lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def still_needed(ended: Mapping[str, float], *, now: float) -> Callable[[str, float], bool]:
    """For `prune`: what a goal needs until a month after its end, other streams for a quarter.

    `ended` says of the streams of goals that have ended when they did.
    """

    def is_needed(stream: str, at: float) -> bool:
        if stream.startswith("goal/"):
            return stream not in ended or now - ended[stream] < _AFTER_END_SECONDS
        return now - at < _OTHERS_SECONDS

    return is_needed


def _append_durably(path: Path, data: bytes) -> None:
    is_new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        if end and os.pread(handle, 1, end - 1) != b"\n":
            data = b"\n" + data  # after a line that a kill cut off
        file.write(data)
        file.flush()
        os.fsync(handle)
    if is_new:
        sync_folder(path.parent)
