"""The launcher's two ends: an order comes in, a report goes out.

In: two 8-byte lengths, the order, the child's standard input; then the pipe stays open, and its
end means that the caller is gone. Out: one line of Python values, then stdout, stderr, the result.
"""

from __future__ import annotations

import marshal
import os
import struct

from .order import Order

CALLER, REPORT = 0, 1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def read_order() -> Order:
    """What the caller wants; a caller that is gone before it has said so ends the launcher."""
    head = _read(16)
    order_length, stdin_length = struct.unpack("=QQ", head)
    data = marshal.loads(_read(order_length))  # noqa: S302 - from our own caller
    return Order(data, _read(stdin_length))


def tell(facts: dict[str, object], streams: Sequence[bytearray]) -> None:
    """The report; whether anybody still reads it is not our business."""
    facts["lengths"] = [len(stream) for stream in streams]
    try:
        _write(repr(facts).encode() + b"\n")
        for stream in streams:
            _write(bytes(stream))
    except BrokenPipeError:
        return


def read_words(text: bytes) -> dict[str, object]:
    """What our own code said, all of it or nothing: it may have been killed in the middle."""
    try:
        said: dict[str, object] = marshal.loads(text)  # noqa: S302 - our own words
    except (EOFError, ValueError, TypeError):
        return {}
    return said


def _read(length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        chunk = os.read(CALLER, min(1 << 20, length - len(data)))
        if not chunk:
            raise SystemExit(1)
        data += chunk
    return bytes(data)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(REPORT, view) :]
