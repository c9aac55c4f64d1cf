"""The pipe to the launcher: whatever comes over it, either side ends with words of our own."""

from __future__ import annotations

import marshal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import SandboxUnavailable
from autoclave.domain.sealed import SealedResult, Tier
from autoclave.sandbox import launching
from autoclave.sandbox.sealed import _result

FACTS: dict[str, Any] = {
    "abi": 7,
    "uid": 1,
    "ended": "exited",
    "exit_code": 0,
    "lost": [0, 0, 0],
    "wall_seconds": 0.1,
    "cpu_seconds": 0.1,
    "max_rss_bytes": 1,
    "strays": 0,
    "lengths": [1, 2, 3],
}
WHOLE = repr(FACTS).encode() + b"\nabbccc"
LAUNCHER = Path(launching.__file__).with_name("launcher.py")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=4,
)
spoilt = st.dictionaries(st.sampled_from([*FACTS, "step", "why", "errno"]), values, max_size=3)
outputs = st.one_of(
    st.binary(),
    st.integers(0, len(WHOLE)).map(lambda cut: WHOLE[:cut]),
    st.binary(min_size=1).map(lambda more: WHOLE + more),
    st.tuples(spoilt, st.binary(max_size=6)).map(
        lambda pair: repr(FACTS | pair[0]).encode("utf-8", "replace") + b"\n" + pair[1]
    ),
    spoilt.map(lambda facts: repr({"lengths": [], **facts}).encode("utf-8", "replace") + b"\n"),
    st.sampled_from([b"{[]: 1}\n", b"(" * 5000, b"-" * 100_000 + b"1\n", b"9" * 5000, b"...\n"]),
)


def test_a_whole_report_is_read() -> None:
    """With the three streams that follow it."""
    facts, streams = launching.unpacked(WHOLE, b"", {"tier": "FULL"})

    assert facts == FACTS
    assert streams == [b"a", b"bb", b"ccc"]


@given(outputs, st.binary())
def test_any_bytes_are_a_result_or_a_refusal(output: bytes, errors: bytes) -> None:
    """A launcher that was killed half way, or that is not ours, breaks nothing here."""
    try:
        answer = launching.unpacked(output, errors, {"tier": "FULL"})
    except SandboxUnavailable:
        return

    assert isinstance(_result(*answer, Tier.FULL), SealedResult)


@pytest.mark.parametrize("cut", [1, 20, len(WHOLE) - 7, len(WHOLE) - 1])
def test_a_report_that_was_cut_off_is_none(cut: int) -> None:
    """Half of the output is not taken for all of it."""
    with pytest.raises(SandboxUnavailable, match="before it reported"):
        launching.unpacked(WHOLE[:cut], b"", {"tier": "FULL"})


@pytest.mark.slow
@pytest.mark.parametrize(
    "order",
    [
        b"",
        b"short",
        struct.pack("=QQ", 1 << 62, 1 << 62),
        struct.pack("=QQ", 5, 0) + b"\xffabcd",
        struct.pack("=QQ", 1, 0) + b"N",
        struct.pack("=QQ", len(marshal.dumps([1])), 0) + marshal.dumps([1]),
        struct.pack("=QQ", len(marshal.dumps({})), 3) + marshal.dumps({}) + b"abc",
        struct.pack("=QQ", len(marshal.dumps({"argv": 1})), 3) + marshal.dumps({"argv": 1}),
    ],
)
def test_an_order_that_makes_no_sense_ends_the_launcher(order: bytes) -> None:
    """It neither waits for more nor reports a run."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER)], input=order, capture_output=True, check=False
    )

    assert done.returncode != 0
    with pytest.raises(SandboxUnavailable, match="before it reported"):
        launching.unpacked(done.stdout, done.stderr, {"tier": "FULL"})
