"""Labels: whose word the inputs and the outputs of a step are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoclave.core.labels import (
    acts_outside,
    is_planned,
    is_target,
    output_labels,
    provenance_of,
    ready_too,
    trusted_text,
    with_changes,
    without_untrusted,
)
from autoclave.domain.canonical import JsonObject
from autoclave.domain.capability import Manifest, Needs
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.intents import Act, Effect
from autoclave.domain.provenance import Argument, Label, Origin, Provenance
from autoclave.domain.run import Run

INPUTS: JsonObject = {
    "to": {"x-role": "target"},
    "path": {"x-type": "output-path"},
    "note": {"x-type": ["argv", "text"], "x-role": "content"},
}
STEP: JsonObject = {"name": "a", "capability": "send", "inputs": {"to": "bob"}, "after": ["r"]}
DONE: JsonObject = {"ok": True, "outputs": {"id": "7", "text": "x"}}
LABELS: JsonObject = {
    "id": Label(origin=Origin.CAPABILITY, trusted=True).to_json(),
    "text": Label(origin=Origin.WEB).to_json(),
}


def _manifest(**changes: Any) -> Manifest:
    usual: dict[str, Any] = {
        "inputs": {"type": "object", "properties": INPUTS},
        "outputs": {"type": "object", "properties": {"text": {}}},
        "effect": Effect.PURE,
    }
    about: dict[str, Any] = {"name": "send", "version": "1.0.0", "purpose": "Sends.", "tree": "t"}
    return Manifest(**about, folder=Path(), **{**usual, **changes})


def _run(*steps: JsonObject, **changes: Any) -> Run:
    plan = {"signature": "s", "steps": list(steps or [STEP])}
    run = Run(id="G-1", text="tell bob", from_person=True, plan=plan, plan_trusted=True)
    return replace(run, **{"results": {"r": {**DONE, "labels": LABELS}}, **changes})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"x-role": "target"}, True),
        ({"x-type": "url"}, True),
        ({"x-type": ["text", "output-path"]}, True),
        ({"x-type": "argv", "x-role": "content"}, False),
        ({"x-type": "text"}, False),
        ({}, False),
        (True, False),
    ],
)
def test_what_is_a_target(schema: Any, expected: bool) -> None:
    """As declared, else by the semantic type."""
    assert is_target(schema) is expected


def test_an_input_has_the_label_of_the_output_that_it_refers_to() -> None:
    """And a value of the plan itself is the goal's, until a model has spoken."""
    intent = Act(step="a", capability="send", inputs={"to": {"$ref": "r.id"}, "note": "hi"})
    thought = {"intent": {"kind": "Think"}, "result": {"ok": True}}
    resolved = {"to": "7", "note": "hi"}

    plain = provenance_of(_run(), _manifest(), intent, resolved, is_effect=True)
    spoken = provenance_of(_run(replies=(thought,)), _manifest(), intent, resolved, is_effect=True)

    by_name = {each.name: each for each in plain.arguments}
    assert by_name["to"].label == Label(origin=Origin.CAPABILITY, trusted=True, source="r.id")
    assert by_name["to"].is_target
    assert by_name["note"].label.origin is Origin.GOAL
    assert spoken.arguments[1].label.origin is Origin.MODEL


def test_what_a_result_does_not_label_is_not_trusted() -> None:
    """Results from before there were labels, for one."""
    intent = Act(step="a", capability="send", inputs={"to": {"$ref": "old.id"}})
    run = _run(results={"old": {"ok": True, "outputs": {"id": "7"}}})

    came_from = provenance_of(run, _manifest(), intent, {"to": "7"}, is_effect=True)

    assert [each.value for each in came_from.untrusted_targets()] == ["7"]


@pytest.mark.parametrize(
    "changes",
    [
        {"plan_trusted": False},
        {"plan": None},
        {"results": {}},
        {"results": {"r": {"ok": False}}},
        {"results": {"r": DONE, "a": {"ok": True}}},
    ],
)
def test_a_step_is_planned_only_in_its_turn(changes: JsonObject) -> None:
    """After what it needs, once, and by a plan from trusted text."""
    intent = Act(step="a", capability="send", inputs={"to": "bob"})

    assert is_planned(_run(), intent)
    assert not is_planned(_run(**changes), intent)


@pytest.mark.parametrize(
    "changes", [{"inputs": {"to": "eve"}}, {"capability": "shout"}, {"step": "b"}]
)
def test_a_step_is_planned_only_as_it_was_planned(changes: JsonObject) -> None:
    """Other inputs, another capability or another name is another step."""
    intent = Act(step="a", capability="send", inputs={"to": "bob"})

    assert not is_planned(_run(), replace(intent, **changes))


def test_what_can_be_asked_together_is_planned_ready_and_not_done() -> None:
    """A step whose inputs are not there yet, or that may prove needless, waits."""
    others = [
        {**STEP, "name": "b"},
        {**STEP, "name": "c", "inputs": {"to": {"$ref": "later.id"}}},
        {**STEP, "name": "d", "unless": {"step": "r", "field": "ok"}},
        {**STEP, "name": "e", "after": ["a"]},
    ]
    intent = Act(step="a", capability="send", inputs={"to": "bob"})

    found = ready_too(_run(STEP, *others), intent)

    assert [other.step for other, _ in found] == ["b"]


def _asked(value: str) -> Provenance:
    argument = Argument(name="to", value=value, label=Label(origin=Origin.MODEL), is_target=True)
    return Provenance(planned=True, arguments=(argument,), trusted_text=("look up bob",))


@pytest.mark.parametrize(
    ("trust", "asked", "value", "expected"),
    [
        ("trusted", "eve", ["1", "2"], True),
        ("untrusted", "bob", "1", False),
        ("inputs", "bob", "1", True),
        ("inputs", "bob", ["1"], True),
        ("inputs", "bob", ["1", "2"], False),
        ("inputs", "bob", None, False),
        ("inputs", "eve", "1", False),
    ],
)
def test_outputs_are_labelled_as_each_field_declares(
    trust: str, asked: str, value: Any, expected: bool
) -> None:
    """What a system assigns is as trusted as what was asked for, if only one thing was found."""
    outputs = {"type": "object", "properties": {"id": {"x-trust": trust, "x-origin": "web"}}}
    manifest = _manifest(outputs=outputs)

    labels = output_labels(manifest, {"id": value}, _asked(asked))

    assert labels["id"] == {"origin": "web", "trusted": expected, "source": ""}


def test_what_comes_out_of_a_workspace_is_a_files_word() -> None:
    """Unless the manifest says more."""
    reads = _manifest(needs=Needs(workspace="read"))

    assert output_labels(reads, {})["text"]["origin"] == "file"
    assert output_labels(_manifest(), {})["text"]["origin"] == "capability"


@pytest.mark.parametrize(
    ("manifest", "inputs", "expected"),
    [
        (_manifest(), {}, False),
        (_manifest(), {"argv": ["ls"]}, True),
        (_manifest(needs=Needs(network=("pypi.org",))), {}, False),
        (_manifest(effect=Effect.ONCE), {}, True),
        (_manifest(effect=Effect.IDEMPOTENT), {}, True),
        (_manifest(effect=Effect.VERIFIABLE), {}, True),
        (_manifest(effect=Effect.VERIFIABLE, needs=Needs(workspace="write")), {}, False),
        (_manifest(effect=Effect.ONCE, needs=Needs(workspace="write")), {}, True),
    ],
)
def test_what_may_be_noticed_outside(
    manifest: Manifest, inputs: JsonObject, expected: bool
) -> None:
    """A write is judged when it is written back, so running the writer is not asked about twice."""
    assert acts_outside(manifest, inputs) is expected


@pytest.mark.parametrize(
    ("named", "strays"),
    [("out/r.md", []), ("out", []), ("./out", []), ("o", ["out/r.md"]), ("", ["out/r.md"])],
)
def test_files_that_no_input_named_are_targets_too(named: str, strays: list[str]) -> None:
    """A writer that writes elsewhere is asked about, whatever its inputs say."""
    label = Label(origin=Origin.GOAL)
    argument = Argument(name="path", value=named, label=label, is_target=True)
    changes = ChangeSet((FileChange(path="out/r.md", before=None, after=b""),))

    found = with_changes(Provenance(arguments=(argument,)), _manifest(), changes)

    assert [each.value for each in found.arguments[1:]] == strays


def test_what_people_said_is_the_goal_and_their_answers() -> None:
    """Silence that the kernel took as a no says nothing."""
    answers = {
        "a": {"by": "person:maria", "yes": True, "reason": "use out.md"},
        "b": {"by": "kernel", "yes": False, "reason": "nobody answered"},
    }

    assert trusted_text(_run(done=("make", "test"), answers=answers)) == (
        "tell bob",
        "make test",
        "use out.md",
    )
    assert trusted_text(_run(from_person=False)) == ()


def test_the_thin_view_holds_what_became_of_steps_and_no_words() -> None:
    """Kinds of errors are kept where they exist; made-up names are words too."""
    words = {"message": "obey", "where": "obey", "traceback": "obey"}
    view = {
        "run": {"text": "the goal"},
        "results": {
            "r": {"ok": True, "outputs": {"text": "obey"}, "labels": {}},
            "s": {"ok": False, "failure": {"error_class": "ObeyError", **words}},
        },
        "failures": [{"step": "s", "error_class": "KeyError", "needs": "obey", **words}],
        "replies": [
            {"intent": {"kind": "Fetch"}, "result": {"value": "obey"}},
            {"intent": {"kind": "Ask"}, "result": {"value": "a person's word"}},
        ],
        "done_result": {"ok": False, "failure": {"error_class": "DoneTestFailed", **words}},
        "lesson": "obey",
    }

    thin = without_untrusted(view)

    assert "obey" not in str(thin).lower()
    assert "a person's word" in str(thin)
    assert thin["results"]["r"]["ok"]
    assert thin["failures"][0]["error_class"] == "KeyError"
