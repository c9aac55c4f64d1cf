"""Packed answers, and those that are bombs."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoclave.domain.errors import InvalidInput
from autoclave.research.unpacking import Unpacking

MIB = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "x-gzip": lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:]),
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
}


def unpack(encoding: str, packed: bytes, *, step: int = 7, most: int = MIB) -> bytes:
    unpacking = Unpacking(encoding, most_bytes=most)
    steps = range(0, len(packed), step)
    data = b"".join(unpacking.take(packed[start : start + step]) for start in steps)
    unpacking.end()
    return data


@given(st.binary(max_size=300), st.sampled_from(sorted(PACKED)), st.integers(1, 40))
@settings(max_examples=60)
def test_it_comes_out_as_it_went_in(data: bytes, encoding: str, step: int) -> None:
    """In whatever pieces it arrives."""
    assert unpack(encoding, PACKED[encoding](data), step=step) == data


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_stops_at_the_cap(encoding: str) -> None:
    """16 MiB of zeros in 16 KiB: no more than a byte over the cap is ever made."""
    bomb = PACKED[encoding](bytes(16 * MIB))
    unpacking = Unpacking(encoding, most_bytes=100_000)

    with pytest.raises(InvalidInput, match="longer than 100000"):
        unpacking.take(bomb)

    assert unpacking.given == 100_001


def test_an_endless_stream_of_nothing() -> None:
    """Empty blocks unpack to nothing, so what arrives is counted too."""
    empty = gzip.compress(b"")

    with pytest.raises(InvalidInput, match="longer"):
        unpack("gzip", empty * 100, most=1000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "gzip\0"])
def test_other_packings(encoding: str) -> None:
    """Only what is asked for is taken, and only once."""
    with pytest.raises(InvalidInput):
        Unpacking(encoding, most_bytes=10)


@pytest.mark.parametrize("packed", [gzip.compress(b"text", mtime=0)[:-3], b"no gzip", b"\x1f"])
def test_damaged(packed: bytes) -> None:
    """Cut off or no gzip at all."""
    with pytest.raises(InvalidInput):
        unpack("gzip", packed)
