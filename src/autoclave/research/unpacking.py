"""Unpacks what a server sends, piece by piece, and stops at the cap: no bomb goes off."""

from __future__ import annotations

import zlib

from ..domain.errors import InvalidInput

ACCEPTED = "gzip, deflate"
_GZIP, _ZLIB, _RAW = 31, 15, -15


class Unpacking:
    """Takes the pieces of one body in, gives the unpacked ones out; never more than the cap."""

    def __init__(self, encoding: str, *, most_bytes: int) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise InvalidInput(
                f"the answer is packed as {encoding!r}; only {ACCEPTED} can be unpacked"
            )
        self._most = most_bytes
        self._taken = 0
        self.given = 0
        """Bytes that came out so far."""
        self._start = b""
        self._unpacker: zlib._Decompress | None = None

    def take(self, piece: bytes) -> bytes:
        """The next piece, unpacked. Raises InvalidInput at the cap, or if it is damaged."""
        self._taken += len(piece)
        # What comes packed counts as well: a stream can be endless and unpack to nothing.
        self._check(self._taken)
        if self._encoding in ("", "identity"):
            return piece
        try:
            return self._unpack(piece)
        except zlib.error as error:
            raise InvalidInput(f"the answer cannot be unpacked: {error}") from error

    def end(self) -> None:
        """All pieces were taken. Raises InvalidInput if the packed body is cut off."""
        if self._start or (self._unpacker is not None and not self._unpacker.eof):
            raise InvalidInput("the packed answer is cut off")

    def _unpack(self, piece: bytes) -> bytes:
        data, found = self._start + piece, []
        self._start = b""
        while data:
            if self._unpacker is None or self._unpacker.eof:
                if len(data) < 2:
                    self._start = data
                    break
                self._unpacker = zlib.decompressobj(self._form(data))
            block = self._unpacker.decompress(data, self._most - self.given + 1)
            self.given += len(block)
            self._check(self.given)
            found.append(block)
            data = self._unpacker.unused_data if self._unpacker.eof else b""
        return b"".join(found)

    def _form(self, data: bytes) -> int:
        if self._encoding != "deflate":
            return _GZIP
        # The name means zlib; some servers leave its two bytes out.
        is_zlib = data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
        return _ZLIB if is_zlib else _RAW

    def _check(self, count: int) -> None:
        if count > self._most:
            raise InvalidInput(f"the answer is longer than {self._most} bytes")
