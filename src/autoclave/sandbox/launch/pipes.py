"""What comes out of a sealed process, capped while it is read."""

from __future__ import annotations

import os

_CHUNK = 1 << 16


class Capped:
    """Reads one pipe; keeps what fits under the cap and counts the rest."""

    def __init__(self, fd: int, cap: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.data = bytearray()
        self.lost = 0
        self.is_open = True
        self._cap = cap

    def read(self) -> None:
        """Take what is there now, a bounded amount, so that no flood keeps us from the clock."""
        for _ in range(16):
            try:
                chunk = os.read(self.fd, _CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                self.is_open = False
                return
            kept = chunk[: self._cap - len(self.data)]
            self.data += kept
            self.lost += len(chunk) - len(kept)

    def drain(self) -> None:
        """Everything that dead writers left."""
        before = -1
        while self.is_open and before != len(self.data) + self.lost:
            before = len(self.data) + self.lost
            self.read()


def sealed_file(data: bytes) -> int:
    """A descriptor to read `data` from, which cannot be written to or grown; null when empty."""
    if not data:
        return os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    import fcntl

    handle = os.memfd_create("stdin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    written = 0
    while written < len(data):
        written += os.write(handle, data[written:])
    os.lseek(handle, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
    return handle
