"""Small pieces of classic BPF, enough for a system call filter."""

from __future__ import annotations

import struct

ALLOW = 0x7FFF0000
KILL = 0x80000000
ASK = 0x7FC00000
"""Whoever listens decides."""
_ERRNO = 0x00050000

_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_FROM = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_GO_ON = 0x05
_FEW = 4


def answer(number: int) -> int:
    """The verdict that makes a call return this error number; 0 pretends success."""
    return _ERRNO | number


def prologue(machine_word: int) -> bytes:
    """Kill what comes from another machine or from the x32 range, then load the call's number."""
    return (
        _op(_LOAD, _MACHINE_AT)
        + _op(_EQUAL, machine_word, 1, 0)
        + _op(_RETURN, KILL)
        + _op(_LOAD, _NUMBER_AT)
        + _op(_AT_LEAST, _X32_FROM, 0, 1)
        + _op(_RETURN, KILL)
    )


def always(number: int, verdict: int) -> bytes:
    return _op(_EQUAL, number, 0, 1) + _op(_RETURN, verdict)


def table(verdicts: dict[int, int]) -> bytes:
    """`always` for many numbers, found by halving: the kernel tries every call when it loads."""
    return _halved(sorted(verdicts.items()))


def _halved(pairs: list[tuple[int, int]]) -> bytes:
    if len(pairs) <= _FEW:
        return b"".join(always(number, verdict) for number, verdict in pairs)
    middle = len(pairs) // 2
    low, high = _halved(pairs[:middle]), _halved(pairs[middle:])
    low += _op(_GO_ON, len(high) // 8)
    # A test's own jumps reach no further than 255.
    return _op(_AT_LEAST, pairs[middle][0], 0, 1) + _op(_GO_ON, len(low) // 8) + low + high


def when_equal(number: int, index: int, values: tuple[int, ...], verdict: int) -> bytes:
    """`verdict` when the low word of an argument is one of `values`, else allow."""
    tests = [_op(_EQUAL, value, len(values) - i, 0) for i, value in enumerate(values)]
    body = _argument(index) + b"".join(tests) + _op(_RETURN, ALLOW) + _op(_RETURN, verdict)
    return _only_for(number, body)


def unless_equal(number: int, index: int, values: tuple[int, ...], verdict: int) -> bytes:
    """`verdict` unless the low word of an argument is one of `values`."""
    tests = [_op(_EQUAL, value, len(values) - i, 0) for i, value in enumerate(values)]
    body = _argument(index) + b"".join(tests) + _op(_RETURN, verdict) + _op(_RETURN, ALLOW)
    return _only_for(number, body)


def when_any_bit(number: int, index: int, mask: int, verdict: int) -> bytes:
    body = _argument(index) + _op(_ANY_BIT, mask, 1, 0) + _op(_RETURN, ALLOW)
    return _only_for(number, body + _op(_RETURN, verdict))


def only_stream_pairs(number: int, verdict: int) -> bytes:
    """socketpair: Unix stream and seqpacket only. A datagram pair can send to any named socket."""
    unix, stream, seqpacket = 1, 1, 5
    body = (
        _argument(0)
        + _op(_EQUAL, unix, 0, 4)
        + _argument(1)
        + _op(_AND, 0xF)
        + _op(_EQUAL, stream, 2, 0)
        + _op(_EQUAL, seqpacket, 1, 0)
        + _op(_RETURN, verdict)
        + _op(_RETURN, ALLOW)
    )
    return _only_for(number, body)


def otherwise(verdict: int) -> bytes:
    return _op(_RETURN, verdict)


def _only_for(number: int, body: bytes) -> bytes:
    return _op(_EQUAL, number, 0, len(body) // 8) + body


def _argument(index: int) -> bytes:
    return _op(_LOAD, _ARGUMENTS_AT + 8 * index)


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
