"""Good edits pass every gate; each gate says no for its own reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet
from autoclave.domain.errors import OutOfResources, Stale
from autoclave.domain.knowledge import Case
from autoclave.domain.proposal import Edit, Evidence, GateResult, GateVerdict
from autoclave.modification.gate import Bench, Finding, failed
from autoclave.modification.workshop import LibcstWorkshop

MakeWorkshop = Callable[..., LibcstWorkshop]
MakeEdit = Callable[..., Edit]
NAMES = [
    "surface",
    "parse",
    "capability delta",
    "lint",
    "types",
    "capability tests",
    "affected tests",
    "replay",
    "full tests",
]


def gate(evidence: Evidence, name: str) -> GateResult:
    return next(result for result in evidence.gates if result.name == name)


def first_fail(evidence: Evidence) -> GateResult:
    return next(r for r in evidence.gates if r.verdict is GateVerdict.FAIL)


@pytest.mark.slow
async def test_a_good_repair_passes_every_gate(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, case: Case, replay: Any
) -> None:
    """All gates in order, with facts, tier and the digest of the self-test."""
    evidence = await workshop.judge(workshop.draft([mean_edit()]), cases=[case], replay=replay)

    assert [r.name for r in evidence.gates] == NAMES
    assert {r.name: r.summary for r in evidence.gates if r.verdict is not GateVerdict.PASS} == {}
    assert evidence.passed
    assert evidence.tier == "RESTRICTED"
    assert len(evidence.self_test) == 64
    tests = gate(evidence, "capability tests").facts
    assert (tests["tests"], tests["passed"], tests["impossible_twins"]) == (3, 3, 3)
    assert gate(evidence, "affected tests").facts["capabilities"] == ["report"]
    assert gate(evidence, "full tests").facts["capabilities"] == ["other"]


async def test_after_a_fail_the_rest_is_not_run(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, case: Case, replay: Any
) -> None:
    """Later gates say why they have no verdict."""
    bad = mean_edit("add_import", "", source="import socket\n")

    evidence = await workshop.judge(workshop.draft([bad]), cases=[case], replay=replay)

    assert first_fail(evidence).name == "capability delta"
    later = evidence.gates[3:]
    assert {r.verdict for r in later} == {GateVerdict.NOT_CHECKED}
    assert all("after an earlier fail" in r.summary for r in later)
    assert not evidence.passed


async def test_a_draft_for_another_base_is_stale(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, home: Path, replay: Any
) -> None:
    """Evidence is for one base only."""
    draft = workshop.draft([mean_edit()])
    (home / "capabilities/other/code.py").write_text("def one() -> int:\n    return 3\n")

    with pytest.raises(Stale):
        await workshop.judge(draft, cases=[], replay=replay)


async def test_bytes_that_no_edit_made_fail_the_parse_gate(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, replay: Any
) -> None:
    """The draft is made again from its edits and has to come out the same."""
    draft = workshop.draft([mean_edit()])
    (change,) = draft.changes.files
    more = replace(change, after=(change.after or b"") + b"EXTRA = 1\n")
    smuggled = replace(draft, changes=ChangeSet((more,)))

    evidence = await workshop.judge(smuggled, cases=[], replay=replay)

    assert first_fail(evidence).name == "parse"


async def test_new_lint_findings_fail(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, replay: Any
) -> None:
    """A comment does not silence them."""
    source = (
        "\n\ndef spread(numbers: list[float]) -> float:\n"
        "    unused = 1  # noqa\n    return max(numbers) - min(numbers)\n"
    )
    draft = workshop.draft([mean_edit(target="spread", source=source)])

    evidence = await workshop.judge(draft, cases=[], replay=replay)

    assert first_fail(evidence).name == "lint"
    assert "F841" in first_fail(evidence).summary


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("    return str(numbers)\n", "return-value"),
        ("    return str(numbers)  # type: ignore[return-value]\n", "silence"),
    ],
)
async def test_new_type_findings_fail(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, replay: Any, body: str, what: str
) -> None:
    """What the base did not have, silenced or not."""
    source = f"\n\ndef spread(numbers: list[float]) -> float:\n{body}"
    draft = workshop.draft([mean_edit(target="spread", source=source)])

    evidence = await workshop.judge(draft, cases=[], replay=replay)

    assert first_fail(evidence).name == "types"
    assert what in first_fail(evidence).summary


@pytest.mark.slow
async def test_a_change_that_breaks_a_dependent_fails(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, replay: Any, home: Path, edit: MakeEdit
) -> None:
    """`report` needs `mean`; its tests are the ones that notice."""
    tests = home / "capabilities/mean/tests/test_mean.py"
    tests.write_text("def test_nothing():\n    assert 1 == 1\n", encoding="utf-8")
    source = "\n\ndef mean(numbers: list[float]) -> float:\n    return 5.0 + len(numbers)\n"
    draft = workshop.draft([mean_edit(source=source)])

    evidence = await workshop.judge(draft, cases=[], replay=replay)

    assert gate(evidence, "capability tests").verdict is GateVerdict.PASS
    assert first_fail(evidence).name == "affected tests"
    assert "report/tests/test_report.py::test_report" in first_fail(evidence).summary


@pytest.mark.slow
async def test_nothing_affected_is_said(
    workshop: LibcstWorkshop, edit: MakeEdit, replay: Any
) -> None:
    """An empty set passes, with the fact; without cases the replay is not checked."""
    text = "def one() -> int:\n    return 1\n"
    draft = workshop.draft(
        [
            edit(
                "replace",
                text,
                "one",
                "def one() -> int:\n    return 2 - 1\n",
                file="capabilities/other/code.py",
            )
        ]
    )

    evidence = await workshop.judge(draft, cases=[], replay=replay)

    assert gate(evidence, "affected tests").summary == "none depend on it"
    assert gate(evidence, "replay").verdict is GateVerdict.NOT_CHECKED
    assert not evidence.passed


@pytest.mark.slow
async def test_replay_that_also_works_on_the_base_cannot_tell(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, case: Case
) -> None:
    """Then the change fixed nothing that was seen to fail."""

    async def always(case: Case, root: Path) -> JsonObject:
        return {"ok": True, "summary": "fine"}

    evidence = await workshop.judge(workshop.draft([mean_edit()]), cases=[case], replay=always)

    assert first_fail(evidence).name == "replay"
    assert first_fail(evidence).summary.startswith("cannot tell")


@pytest.mark.slow
async def test_examples_are_run_on_the_candidate(
    make_workshop: MakeWorkshop, mean_edit: MakeEdit, home: Path, replay: Any
) -> None:
    """As many as today's manifest states, and every one has to work."""
    manifest = home / "capabilities/mean/capability.toml"
    manifest.write_text('name = "mean"\n[[examples]]\ninputs = {}\noutputs = {}\n')
    seen: list[tuple[bool, str]] = []

    async def run_examples(folder: Path, capability: str) -> list[JsonObject]:
        code = (folder / "capabilities/mean/code.py").read_text(encoding="utf-8")
        seen.append(("if numbers" in code, capability))
        return [{"ok": False, "summary": "mean should be 2"}]

    workshop = make_workshop(run_examples=run_examples)
    evidence = await workshop.judge(workshop.draft([mean_edit()]), cases=[], replay=replay)

    assert seen == [(True, "mean")]
    assert first_fail(evidence).summary == "example fails: mean: mean should be 2"


class _Veto:
    name = "size"

    async def check(self, bench: Bench) -> Finding:
        return failed("too large for my taste")


class _Broken:
    name = "broken"

    async def check(self, bench: Bench) -> Finding:
        raise OutOfResources("no space left")


@pytest.mark.slow
async def test_gates_of_plug_ins_come_last_and_can_veto(
    make_workshop: MakeWorkshop, mean_edit: MakeEdit, case: Case, replay: Any
) -> None:
    """One that can't run is not checked, with the reason."""
    workshop = make_workshop(more_gates=lambda: [_Broken(), _Veto()])

    evidence = await workshop.judge(workshop.draft([mean_edit()]), cases=[case], replay=replay)

    assert gate(evidence, "broken").verdict is GateVerdict.NOT_CHECKED
    assert "no space left" in gate(evidence, "broken").summary
    assert gate(evidence, "size").verdict is GateVerdict.FAIL
    assert not evidence.passed


GOOD: list[dict[str, Any]] = [
    {},
    {
        "operation": "set_default",
        "target": "mean",
        "source": "()  # type:",
        "skip": True,
    },
    {"target": "spread", "source": "\n\ndef spread(numbers: list[float]) -> float:\n"
     '    """Largest minus smallest, 0 for nothing."""\n'
     "    return max(numbers) - min(numbers) if numbers else 0.0\n"},
    {"operation": "insert_before", "target": "mean", "source": "\n\nNOTHING = 0.0\n"},
    {"operation": "insert_after", "target": "mean", "source": "\n\ndef twice(x: float) -> float:"
     "\n    return 2 * x\n"},
    {"operation": "append", "target": "", "source": "\n\ndef half(x: float) -> float:"
     "\n    return x / 2\n"},
    {"operation": "set_default", "target": "execute", "source": "None", "argument": "context",
     "skip": True},
    {"operation": "replace", "target": "execute", "source":
     "\n\nasync def execute(context: object, inputs: dict[str, Any]) -> dict[str, Any]:\n"
     '    """The mean and the spread of `numbers`."""\n'
     '    numbers: list[float] = json.loads(inputs["numbers"])\n'
     '    return {"mean": mean(numbers), "spread": spread(numbers)}\n'},
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("change", [c for c in GOOD if not c.get("skip")])
async def test_good_edits_are_accepted_end_to_end(
    workshop: LibcstWorkshop,
    mean_edit: MakeEdit,
    case: Case,
    home: Path,
    change: dict[str, Any],
) -> None:
    """Drafted, judged, applied, undone: no false alarm on the way."""

    async def replay(case: Case, root: Path) -> JsonObject:
        base = (home / "capabilities/mean/code.py").read_bytes()
        ok = (root / "capabilities/mean/code.py").read_bytes() != base
        return {"ok": ok, "summary": "as told"}

    draft = workshop.draft([mean_edit(**change)])
    evidence = await workshop.judge(draft, cases=[case], replay=replay)
    assert {r.name: r.summary for r in evidence.gates if r.verdict is not GateVerdict.PASS} == {}

    workshop.apply(draft, proposal="P-0001", message="m")
    assert workshop.base_tree() == draft.candidate_tree
    workshop.undo("P-0001")
    assert workshop.base_tree() == draft.base_tree


@pytest.mark.slow
async def test_what_failed_before_may_go_on_failing(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, case: Case, replay: Any, home: Path
) -> None:
    """A test elsewhere that is broken already is named, and stops nothing."""
    test = home / "capabilities/other/tests/test_other.py"
    test.write_text(test.read_text(encoding="utf-8").replace("== 1", "== 2"), encoding="utf-8")

    evidence = await workshop.judge(workshop.draft([mean_edit()]), cases=[case], replay=replay)

    full = gate(evidence, "full tests")
    assert full.verdict is GateVerdict.PASS
    assert full.summary == "0 of 1 tests pass, 1 fail as before"
    assert full.facts["still_failing"] == ["other/tests/test_other.py::test_one"]
