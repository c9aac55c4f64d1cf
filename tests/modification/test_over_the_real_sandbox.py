"""The workshop over the real sandbox and the real files, as wiring puts them together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.knowledge import Case
from autoclave.domain.proposal import Edit, GateVerdict
from autoclave.modification.workshop import LibcstWorkshop
from autoclave.sandbox.files import SafeFiles
from autoclave.sandbox.sealed import SealedSandbox

pytestmark = pytest.mark.slow
MakeWorkshop = Callable[..., LibcstWorkshop]
MakeEdit = Callable[..., Edit]


@pytest.fixture
def real(make_workshop: MakeWorkshop, home: Path) -> LibcstWorkshop:
    sandbox = SealedSandbox(base=home / "sandbox" / "scratch")
    if not sandbox.tiers():
        pytest.skip("no tier of the sandbox can be had here")
    return make_workshop(sandbox=sandbox, files=SafeFiles())


async def test_a_good_repair_passes_every_gate(
    real: LibcstWorkshop,
    mean_edit: MakeEdit,
    case: Case,
    replay: Any,
    home: Path,
    snapshot: Callable[[Path], Any],
) -> None:
    """From the edit to undo, sealed."""
    before = snapshot(home)
    draft = real.draft([mean_edit()])

    evidence = await real.judge(draft, cases=[case], replay=replay)

    assert {r.name: r.summary for r in evidence.gates if r.verdict is not GateVerdict.PASS} == {}
    assert evidence.passed
    assert snapshot(home) == before
    real.apply(draft, proposal="P-0001", message="Mean of nothing is 0")
    real.undo("P-0001")
    assert snapshot(home) == before


async def test_a_hanging_candidate_is_stopped(
    real: LibcstWorkshop, mean_edit: MakeEdit, replay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits end it; that is a fail, not a wait."""
    from autoclave.domain.sealed import Limits
    from autoclave.modification import suite

    monkeypatch.setattr(suite, "_LIMITS", Limits(wall_seconds=20.0, cpu_seconds=6))
    source = (
        "\n\ndef spread(numbers: list[float]) -> float:\n"
        "    while numbers:\n        pass\n    return 0.0\n"
    )

    evidence = await real.judge(
        real.draft([mean_edit(target="spread", source=source)]), cases=[], replay=replay
    )

    failed = next(r for r in evidence.gates if r.verdict is GateVerdict.FAIL)
    assert failed.name == "capability tests"
    assert "ended by" in failed.summary
