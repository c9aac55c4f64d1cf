"""What the commands ask Control for, what they print, how they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.approval import Sheet, facts_digest
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import CredentialMissing, JournalBroken
from autoclave.domain.risk import Risk
from autoclave.domain.sealed import Tier

Call = Callable[..., Any]


def test_a_goal_is_added_as_it_was_said(
    call: Call, control: Any, goal: JsonObject, tmp_path: Path
) -> None:
    """The done-test is split as a shell would, the workspace made absolute."""
    control.answers["add_goal"] = goal

    called = call(
        *("goal", "add", "tidy up", "--workspace", str(tmp_path), "--done", "make 'the test'"),
        *("--priority", "3", "--budget", "0.5", "--yes-up-to", "R1", "--json"),
    )

    (spec,) = control.asked[0][1]
    assert spec.text == "tidy up"
    assert spec.workspace == tmp_path
    assert spec.done == ("make", "the test")
    assert (spec.priority, spec.budget_usd, spec.allow_up_to) == (3, 0.5, Risk.R1)
    assert called.json["id"] == "G-0001"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--workspace", "/does/not/exist"],
        ["--workspace", __file__],
        ["--done", "an 'open quote"],
        ["--done", "  "],
        ["--budget", "nan"],
        ["--budget", "-1"],
        ["--seconds", "inf"],
        ["--yes-up-to", "R4"],
        ["--model", "parrot"],
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_opened(
    call: Call, control: Any, arguments: list[str]
) -> None:
    """One sentence, exit code 2."""
    called = call("run", "tidy up", *arguments)

    assert called.code == 2
    assert called.err.startswith("autoclave: Invalid value for")
    assert control.asked == []


def test_an_empty_goal_is_refused(call: Call) -> None:
    """It says what is wanted."""
    assert "say in a sentence" in call("goal", "add", "  ").err


@pytest.mark.parametrize(
    ("end", "code"),
    [("done", 0), ("failed", 1), ("waiting", 11), ("unserved", 5), ("budget", 8), ("denied", 7)],
)
def test_run_ends_as_the_goal_did(
    call: Call, control: Any, report: JsonObject, end: str, code: int
) -> None:
    """The report is printed all the same."""
    control.answers["run_goal"] = {**report, "exit": end}

    called = call("run", "make the failing tests pass", "--json")

    assert called.code == code
    assert called.json["goal"] == "make the failing tests pass"


def test_without_a_terminal_run_never_asks(call: Call, control: Any, report: JsonObject) -> None:
    """The question is kept, and it says how to answer it."""
    control.answers["run_goal"] = {**report, "exit": "waiting", "status": "awaiting human"}

    called = call("run", "make the failing tests pass")

    assert control.asked[0][2]["ask"] is None
    assert "autoclave goal show G-0001" in called.err


def test_a_report_shows_the_diff_and_who_allowed_it(
    call: Call, control: Any, report: JsonObject
) -> None:
    """For a person, on standard output."""
    control.answers["run_goal"] = report

    out = call("run", "make the failing tests pass").out

    assert "+good" in out
    assert "maria" in out
    assert "repair_python" in out


def test_a_hostile_diff_never_reaches_the_terminal_raw(
    call: Call, control: Any, report: JsonObject
) -> None:
    """Escapes, bidi overrides and line tricks are spelled out."""
    control.answers["run_goal"] = {**report, "diff": "+\x1b[31mred\u202eevil\r\n"}

    out = call("run", "make the failing tests pass").out

    assert not {"\x1b", "\u202e", "\r"} & set(out)


def test_approving_without_a_hash_shows_it_and_approves_nothing(
    call: Call, control: Any, proposal: JsonObject
) -> None:
    """Nobody approves what was not on the screen: exit code 9."""
    control.answers |= {"show_proposal": proposal, "approve_proposal": proposal}

    called = call("proposal", "approve", "P-0001")

    assert called.code == 9
    assert proposal["digest"] in called.out
    assert "two other patches passed too" in called.out
    assert "--hash abcdef012345" in called.err
    assert [name for name, _, _ in control.asked] == ["show_proposal"]


def test_the_beginning_of_a_hash_is_enough_when_it_is_long_enough(
    call: Call, control: Any, proposal: JsonObject, owner_sheet: Sheet
) -> None:
    """What is signed is the whole digest that was looked at."""
    control.answers |= {"proposal": proposal, "approve_proposal": {**proposal, "status": "applied"}}
    control.answers["proposal_sheet"] = owner_sheet

    called = call("proposal", "approve", "P-0001", "--hash", "abcdef01")

    assert called.code == 0
    assert control.asked[2][2]["signed"].digest == proposal["digest"]
    assert control.asked[2][2]["signed"].signature


def test_what_became_another_thing_meanwhile_is_not_signed(
    call: Call, control: Any, proposal: JsonObject, owner_sheet: Sheet
) -> None:
    """The hash that was typed is held against what would be signed, too."""
    control.answers |= {"proposal": proposal, "approve_proposal": proposal}
    control.answers["proposal_sheet"] = replace(owner_sheet, digest="0" * 64)

    assert call("proposal", "approve", "P-0001", "--hash", "abcdef01").code == 9
    assert "approve_proposal" not in [name for name, _, _ in control.asked]


def test_a_yes_that_is_not_enough_ends_with_eleven(
    call: Call, control: Any, proposal: JsonObject, owner_sheet: Sheet
) -> None:
    """And says what is missing, in the list as well."""
    signed = {**proposal, "status": "signed", "waits_for": "a second person"}
    control.answers |= {"proposal": proposal, "approve_proposal": signed, "proposals": [signed]}
    control.answers["proposal_sheet"] = owner_sheet

    called = call("proposal", "approve", "P-0001", "--hash", "abcdef01")

    assert called.code == 11
    assert "it waits for a second person" in called.out
    assert "it waits for a second person" in call("proposal", "list").out


def test_several_proposals_go_together_only_when_they_are_harmless(
    call: Call, control: Any, proposal: JsonObject, owner_sheet: Sheet
) -> None:
    """The refusal names those that are not."""
    control.answers |= {"proposal": proposal, "approve_proposal": proposal}
    control.answers["proposal_sheet"] = owner_sheet
    both = ("--hash", "abcdef01", "--hash", "abcdef01")

    assert "P-0001 is named twice" in call("proposal", "approve", "P-0001", "P-0001", *both).err
    control.answers["proposal"] = iter([proposal, {**proposal, "id": "P-0002"}])
    called = call("proposal", "approve", "P-0001", "P-0002", *both)

    assert called.code == 7
    assert "P-0001 (R4), P-0002 (R4)" in called.err
    harmless = [{**proposal, "risk": "R1"}, {**proposal, "risk": "R1", "id": "P-0002"}]
    control.answers["proposal"] = iter(harmless)
    assert call("proposal", "approve", "P-0001", "P-0002", *both).code == 0


def test_a_home_without_an_owner_says_how_to_become_it(
    call: Call, control: Any, proposal: JsonObject
) -> None:
    """One error, one command, and nothing is lost."""
    control.answers["proposal"] = proposal
    control.answers["proposal_sheet"] = CredentialMissing("no owner", hint="autoclave owner create")

    called = call("proposal", "approve", "P-0001", "--hash", "abcdef01")

    assert called.code == 5
    assert "autoclave owner create" in called.err


def test_how_fast_somebody_approved_is_shown(
    call: Call, control: Any, proposal: JsonObject
) -> None:
    """Four seconds for eight hundred lines say something."""
    approved = {**proposal, "status": "applied", "approval": {"nonce": "n"}, "lines": 812}
    control.answers["show_proposal"] = {**approved, "looked_seconds": 4.2}

    assert "after 4 s for 812 lines" in call("proposal", "show", "P-0001").out


@pytest.mark.parametrize("proof", ["", "abc", "00000000", "abcdef0123456789x"])
def test_another_hash_is_stale(call: Call, control: Any, proposal: JsonObject, proof: str) -> None:
    """Too short names too much; another one names another thing."""
    control.answers |= {"proposal": proposal, "approve_proposal": proposal}

    called = call("proposal", "approve", "P-0001", "--hash", proof)

    assert called.code == 9
    assert [name for name, _, _ in control.asked] == ["proposal"]


def test_rejecting_needs_a_reason(call: Call) -> None:
    """It is learned from."""
    assert "--reason" in call("proposal", "reject", "P-0001").err


def test_an_answer_names_what_it_is_for(call: Call, control: Any, goal: JsonObject) -> None:
    """The hash that `goal show` prints stands for the whole digest."""
    asked = {"question": "may I?", "digest": "f" * 64, "diff": ""}
    control.answers |= {"goal": {**goal, "question": asked}, "answer_goal": None}

    call("goal", "answer", "G-0001", "yes", "--hash", "ffffffff")

    name, values, named = control.asked[1]
    assert (name, values) == ("answer_goal", ("G-0001", True))
    assert named["digest"] == "f" * 64


def test_a_yes_without_a_hash_shows_what_it_would_be_for(
    call: Call, control: Any, goal: JsonObject
) -> None:
    """And answers nothing."""
    asked = {"question": "may I?", "digest": "f" * 64, "diff": "+good\n"}
    control.answers |= {"goal": {**goal, "question": asked}, "answer_goal": None}

    called = call("goal", "answer", "G-0001", "yes")

    assert called.code == 9
    assert "+good" in called.out
    assert [name for name, _, _ in control.asked] == ["goal"]


def test_a_question_is_shown_with_its_diff_and_how_to_answer(
    call: Call, control: Any, goal: JsonObject
) -> None:
    """Everything that is needed to say yes or no."""
    asked = {
        "question": "Write x.py?",
        "digest": "f" * 64,
        "diff": "-bad\n+good\n",
        "risk": "R1",
        "reason": "it changes files",
        "rules": ["ask-before-writing"],
    }
    control.answers["goal"] = {**goal, "status": "awaiting human", "question": asked}

    out = call("goal", "show", "G-0001").out

    assert "+good" in out
    assert "risk R1: it changes files (ask-before-writing)" in out
    assert "autoclave goal answer G-0001 yes --hash ffffffffffff" in out


def test_lists_are_one_object(call: Call, control: Any, goal: JsonObject) -> None:
    """With a schema version, so that they can grow."""
    control.answers["goals"] = [goal]

    assert call("goal", "list", "--json").json == {"schema_version": 1, "goals": [goal]}


def test_an_empty_list_says_what_to_do(call: Call, control: Any) -> None:
    """Nothing is a state too."""
    control.answers["goals"] = []

    assert "autoclave goal add" in call("goal", "list").out


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 6)])
def test_doctor_and_audit_end_with_findings(call: Call, control: Any, ok: bool, code: int) -> None:
    """Findings are not a failure of the command."""
    check = {"name": "git", "verdict": "ok" if ok else "fail", "detail": "?", "fix": "install git"}
    control.answers |= {
        "doctor": {"ok": ok, "checks": [check]},
        "audit_verify": {
            "ok": ok,
            "events": 3,
            "first_bad": None if ok else 2,
            "reason": "" if ok else "it was changed",
            "anchor": "matches",
        },
    }

    assert call("doctor").code == code
    assert call("audit", "verify").code == code


def test_doctor_reports_what_cannot_even_be_opened(call: Call, control: Any) -> None:
    """The machine is looked at all the same."""
    control.answers["doctor"] = JournalBroken("it is damaged", hint="restore a checkpoint")

    called = call("doctor", "--json")

    assert called.code == 6
    assert called.json["checks"][0]["name"] == "python"
    assert called.json["checks"][-1] == {
        "name": "agent",
        "verdict": "fail",
        "detail": "it is damaged",
        "fix": "restore a checkpoint",
    }


def test_a_sealed_command_ends_with_its_own_code(call: Call, control: Any) -> None:
    """What belongs to the command is not taken for an option of ours."""
    control.answers["sandbox_run"] = {
        "exit_code": 42,
        "ended": "exited",
        "stdout": "\x1b[31mhello\n",
        "stderr": "",
        "changed": ["a.txt"],
    }

    called = call("sandbox", "run", "--tier", "restricted", "--", "sh", "-c", "exit 42", "--json")

    argv, tier, folder = control.asked[0][1]
    assert called.code == 42
    assert argv == ("sh", "-c", "exit 42", "--json")
    assert (tier, folder) == (Tier.RESTRICTED, None)
    assert called.out == "\\x1b[31mhello\n\n".replace("\n\n", "\n")
    assert "a.txt" in called.err


def test_inputs_of_a_capability_may_come_from_a_file(
    call: Call, control: Any, tmp_path: Path
) -> None:
    """Or be refused when they are not an object."""
    control.answers["run_capability"] = {"outputs": {"text": "hi"}, "failure": None}
    file = tmp_path / "inputs.json"
    file.write_text('{"path": "a"}')

    assert call("capability", "run", "read_file", "--inputs", f"@{file}").code == 0
    assert control.asked[0][1] == ("read_file", {"path": "a"}, None)
    assert call("capability", "run", "read_file", "--inputs", "[1]").code == 2
    assert call("capability", "run", "read_file", "--inputs", "{").code == 2
    assert call("capability", "run", "read_file", "--inputs", f"@{tmp_path}/no").code == 2


def test_a_goal_that_goes_on_later_says_when(call: Call, control: Any, report: JsonObject) -> None:
    """A process that was started for it does not wait for hours."""
    later = {"status": "waiting", "exit": "later", "goes_on_at": 1_700_000_000.0}
    control.answers["run_goal"] = {**report, **later}

    done = call("run", "make the failing tests pass")

    assert done.code == 75
    assert "it goes on at 2023-11-14T22:13:20Z, when `autoclave serve` does it" in done.err


def test_restoring_needs_a_yes_and_a_key(call: Call, control: Any, owner_sheet: Sheet) -> None:
    """Without a terminal there is nobody to ask; what happens is shown before it is signed."""
    control.answers["restore_checkpoint"] = {"id": "C-1"}
    control.answers["restore_sheet"] = _with_facts(owner_sheet, "checkpoint restore C-1", GOING)

    assert call("checkpoint", "restore", "C-1").code == 2
    done = call("checkpoint", "restore", "C-1", "--yes")

    assert (done.code, done.out) == (0, "C-1 is restored\n")
    assert "THIS CHANGES WHO OWNS THE HOME: now ann (aaaaaaaaaaaa); then nobody" in done.err
    signed = control.asked[-1][2]["signed"]
    assert (signed.subject, signed.granted_by) == ("checkpoint restore C-1", "person:maria")


@pytest.mark.parametrize("what", ["redo", "add", "restore"])
def test_without_a_key_nothing_is_done(
    call: Call, control: Any, owner_sheet: Sheet, tmp_path: Path, what: str
) -> None:
    """What changes the agent ends with 5 for who owns no key of this home."""
    ways = {
        "redo": ("proposal", "redo", "P-0001"),
        "add": ("capability", "add", str(tmp_path)),
        "restore": ("checkpoint", "restore", "C-1", "--yes"),
    }
    stranger = replace(owner_sheet, owners={"b" * 64: "bob"}, facts={})
    for name in ("redo_sheet", "capability_sheet", "restore_sheet"):
        control.answers[name] = stranger

    done = call(*ways[what])

    assert done.code == 5
    assert "is not the key of an owner of this home" in done.err
    assert len(control.asked) == 1


def test_what_waits_for_a_second_owner_ends_with_11(
    call: Call, control: Any, owner_sheet: Sheet, tmp_path: Path
) -> None:
    """As it does for proposals."""
    facts = {"name": "shout", "needs": {"network": ["x.org"]}, "tree": "t" * 64}
    control.answers["capability_sheet"] = _with_facts(owner_sheet, "capability add shout", facts)
    waiting = {"name": "shout", "version": "1.0.0", "waits_for": "a second person"}
    control.answers["add_capability"] = waiting

    done = call("capability", "add", str(tmp_path))

    assert (done.code, done.out) == (11, "it waits for a second person\n")
    assert '"network":["x.org"]' in done.err


def test_a_sheet_that_shows_something_else_is_not_signed(
    call: Call, control: Any, owner_sheet: Sheet
) -> None:
    """Whoever made it up: the digest is counted again from what is on the screen."""
    control.answers["redo_sheet"] = replace(owner_sheet, facts={"proposal": "P-0001"})

    done = call("proposal", "redo", "P-0001")

    assert done.code == 9
    assert [name for name, *_ in control.asked] == ["redo_sheet"]


GOING = {
    "checkpoint": "C-1",
    "made_at": 1_700_000_000.0,
    "owners": [{"name": "ann", "key": "a" * 64}],
    "owners_then": [],
    "changes_owners": True,
}


def _with_facts(sheet: Sheet, subject: str, facts: JsonObject) -> Sheet:
    digest = facts_digest(subject, facts)
    return replace(sheet, subject=subject, facts=facts, digest=digest)


def test_an_export_is_printed_as_it_is(call: Call, control: Any) -> None:
    """Other programs read it."""
    control.answers["export"] = "autoclave_running 1\n"

    assert call("export", "metrics", "--format", "prom").out == "autoclave_running 1\n"


def test_rules_are_explained_for_an_action_in_a_file(
    call: Call, control: Any, tmp_path: Path
) -> None:
    """Each rule with whether it matched."""
    file = tmp_path / "action.json"
    file.write_text('{"kind": "workspace.write", "target": "a"}')
    control.answers["explain"] = {
        **{"verdict": "ask", "risk": "R1", "rules": ["ask-first"], "reason": "it writes"},
        "explanation": [
            {"rule": "ask-first", "matched": True, "effect": "ask", "why": "it writes"},
            {"rule": "no-keys", "matched": False, "effect": "deny", "why": "no key is named"},
        ],
    }

    out = call("rules", "explain", str(file)).out

    assert control.asked[0][1] == ({"kind": "workspace.write", "target": "a"},)
    assert "ask    matches  ask-first: it writes" in out
    assert "deny   does not no-keys: no key is named" in out
    assert call("rules", "explain", str(tmp_path / "none")).code == 2


def test_status_needs_no_control(call: Call, control: Any) -> None:
    """It reads, and starts nothing."""
    called = call("status", "--json")

    assert called.json["goals"] == {}
    assert control.asked == []
    assert not control.is_closed


def test_colours_come_only_when_they_are_wanted(
    call: Call, control: Any, report: JsonObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe gets none; NO_COLOR wins over FORCE_COLOR; `--no-color` over both."""
    control.answers["run_goal"] = report
    assert "\x1b[" not in call("run", "x").out

    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in call("run", "x").out
    assert "\x1b[" not in call("--no-color", "run", "x").out

    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in call("run", "x").out


def test_history_is_a_line_per_event(call: Call, control: Any) -> None:
    """The newest ones, when nothing else is said."""
    happened = {"id": 7, "stream": "goal/G-0001", "kind": "GoalAdded", "at": 0.0, "summary": "\x1b"}
    control.answers["history"] = [happened]

    out = call("history", "--stream", "goal/").out

    assert control.asked[0][1] == (-1, 50, "goal/")
    assert out.split() == ["7", "1970-01-01T00:00:00Z", "goal/G-0001", "GoalAdded", "\\x1b"]


def test_an_improvement_without_opportunities_says_so(call: Call, control: Any) -> None:
    """It is the usual answer."""
    control.answers["improve"] = {"opportunities": [], "proposals": [], "tried": []}

    assert "No opportunities" in call("improve").out


def test_the_agent_is_paused_and_resumed_by_a_person(call: Call, control: Any) -> None:
    """What is said comes back with what to do next."""
    control.answers |= {
        "pause_agent": {
            **{"paused": True, "code": "asked", "reason": "lunch", "by": "person:maria"},
            **{"since": 0.0, "next": "autoclave resume"},
        },
        "resume_agent": {"paused": False},
    }

    assert "lunch; autoclave resume" in call("pause", "--reason", "lunch").out
    assert call("resume", "--reason", "back").out.strip() == "the agent goes on"
    assert [name for name, *_ in control.asked] == ["pause_agent", "resume_agent"]


def test_only_the_amounts_that_are_named_are_added(
    call: Call, control: Any, goal: JsonObject
) -> None:
    """By name, as the journal keeps them."""
    control.answers |= {"add_budget": None, "goal": goal}

    assert call("goal", "budget", "G-0001", "--add-usd", "0.5", "--add-steps", "50").code == 0
    assert control.asked[0][1] == ("G-0001", {"usd": 0.5, "steps": 50})
