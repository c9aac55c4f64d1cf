"""Where the values of a step come from: labels on inputs, on outputs, and on plans."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from ..domain import errors
from ..domain.canonical import JsonObject
from ..domain.capability import Manifest
from ..domain.changes import ChangeSet
from ..domain.intents import Act, Effect
from ..domain.provenance import Argument, Label, Origin, Provenance
from ..domain.run import Run
from .results import resolve

_TARGETS = frozenset(
    {"path", "output-path", "argv", "command", "url", "host", "address", "account", "password"}
)
"""Semantic types whose values decide what is acted on, unless the manifest says otherwise."""
_PLACES = frozenset({"path", "output-path"})
_KNOWN_ERRORS = frozenset({*vars(builtins), *vars(errors)})


def trusted_text(run: Run) -> tuple[str, ...]:
    """What people wrote about this run."""
    said = (each for each in run.answers.values() if str(each["by"]).startswith("person:"))
    answers = (str(each.get("reason", "")) for each in said)
    goal = (run.text, " ".join(run.done)) if run.from_person else ()
    return tuple(text for text in (*goal, *answers) if text)


def provenance_of(
    run: Run, manifest: Manifest, intent: Act, inputs: JsonObject, *, is_effect: bool
) -> Provenance:
    """What the kernel knows about one step, whose inputs are resolved."""
    properties = manifest.inputs.get("properties", {})
    arguments = (
        Argument(
            name=name,
            value=value,
            label=_label_of(run, intent.inputs.get(name)),
            is_target=is_target(properties.get(name, {})),
        )
        for name, value in inputs.items()
    )
    return Provenance(
        planned=is_planned(run, intent),
        is_effect=is_effect,
        arguments=tuple(arguments),
        trusted_text=trusted_text(run),
    )


def acts_outside(manifest: Manifest, inputs: JsonObject) -> bool:
    """Whether running it may be noticed outside the sandbox.

    What only writes to its copy of the workspace is judged when that is to be written back, and
    what it asks the kernel to send is judged request by request.
    A command counts: which program runs is not for a web page to say.
    """
    if isinstance(inputs.get("argv"), list):
        return True
    if manifest.needs.workspace == "write" and manifest.effect is Effect.VERIFIABLE:
        return False
    return manifest.effect is not Effect.PURE


def is_planned(run: Run, intent: Act) -> bool:
    """Whether this is a step of a plan from trusted text, as planned, and its turn has come.

    An open plan names what may be used; which call comes when is the work itself.
    """
    if run.plan_trusted and intent.capability in (run.plan or {}).get("uses", ()):
        return True
    steps = (run.plan or {}).get("steps", ()) if run.plan_trusted else ()
    step = next((each for each in steps if each["name"] == intent.step), None)
    if step is None or step["capability"] != intent.capability or step["inputs"] != intent.inputs:
        return False
    is_done = run.results.get(intent.step, {}).get("ok", False)
    return not is_done and all(run.results.get(e, {}).get("ok") for e in step.get("after", ()))


def is_target(schema: Any) -> bool:
    """Whether an input decides what is acted on: as declared by `x-role`, else by its type."""
    if not isinstance(schema, dict):
        return False
    if "x-role" in schema:
        return bool(schema["x-role"] == "target")
    return bool(_types(schema) & _TARGETS)


def chosen_by(run: Run, intent: Act, inputs: JsonObject, value: Any) -> Label:
    """The label of the input that says just this; what nobody gave a step is its own word."""
    for name, given in inputs.items():
        if given == value:
            return _label_of(run, intent.inputs.get(name))
    return Label(origin=Origin.CAPABILITY)


def ready_too(run: Run, intent: Act) -> list[tuple[Act, JsonObject]]:
    """Other steps of the plan that could be done now as well, and their inputs."""
    found = []
    for step in (run.plan or {}).get("steps", ()):
        other = Act(step=step["name"], capability=step["capability"], inputs=step["inputs"])
        if other.step in (intent.step, *run.results) or "unless" in step:
            continue
        if not is_planned(run, other):
            continue
        try:
            found.append((other, resolve(other.inputs, dict(run.results))))
        except (KeyError, TypeError):
            continue
    return found


def output_labels(
    manifest: Manifest, outputs: JsonObject, provenance: Provenance | None = None
) -> JsonObject:
    """By output: its label, as the manifest declares it for each field.

    `x-trust = "inputs"` is for what a system assigns: as trusted as what was asked for, as long as
    that leaves nothing to choose from.
    """
    usual = Origin.FILE if manifest.needs.workspace != "none" else Origin.CAPABILITY
    if manifest.needs.network:
        usual = Origin.WEB
    asked = provenance is not None and provenance.trusts_its_targets()
    labels = {}
    for name, schema in manifest.outputs.get("properties", {}).items():
        declared = schema if isinstance(schema, dict) else {}
        trust = declared.get("x-trust", "untrusted")
        label = Label(
            origin=Origin(declared.get("x-origin", usual)),
            trusted=trust == "trusted"
            or (trust == "inputs" and asked and _is_one(outputs.get(name))),
        )
        labels[name] = label.to_json()
    return labels


def with_changes(provenance: Provenance, manifest: Manifest, changes: ChangeSet) -> Provenance:
    """The same for writing what a step changed: files that no input named are targets too.

    A capability that takes no place to write to chooses by itself, as the goal's plan wants it.
    """
    properties = manifest.inputs.get("properties", {})
    takes = {name for name, schema in properties.items() if _types(schema) & _PLACES}
    named = [each.value for each in provenance.arguments if each.name in takes]
    strays = [path for path in changes.paths if takes and not _is_below(path, named)]
    label = Label(origin=Origin.CAPABILITY)
    targets = (Argument(name="file", value=path, label=label, is_target=True) for path in strays)
    return Provenance(
        planned=provenance.planned,
        is_effect=True,
        arguments=(*provenance.arguments, *targets),
        trusted_text=provenance.trusted_text,
    )


def without_untrusted(view: JsonObject) -> JsonObject:
    """The view as it would be if nobody had said anything but people: only what became of steps.

    The mind is pure. What it answers to this cannot have been chosen by text that it read.
    """
    return {
        **view,
        "results": {step: _blank(result) for step, result in view["results"].items()},
        "failures": [_blank_failure(each) for each in view["failures"]],
        "replies": [each for each in view["replies"] if _is_clean(each)],
        "transcript": [],
        "done_result": view["done_result"] and _blank(view["done_result"]),
        "lesson": "",
    }


def _is_clean(reply: JsonObject) -> bool:
    """A person's answer, or a model's from when there was nothing but people's words to go by."""
    return bool(reply["intent"]["kind"] == "Ask" or reply.get("clean"))


def _blank(result: JsonObject) -> JsonObject:
    blank: JsonObject = {"ok": result["ok"], "outputs": {}}
    return blank | ({"failure": _blank_failure(result["failure"])} if "failure" in result else {})


def _blank_failure(failure: JsonObject) -> JsonObject:
    """Its kind, out of those that exist, and the step: the rest may be somebody's words."""
    name = failure["error_class"]
    known = name if name in _KNOWN_ERRORS else "Exception"
    return {"step": failure.get("step", ""), "error_class": known} | dict.fromkeys(
        ("message", "where", "traceback", "needs"), ""
    )


def _label_of(run: Run, given: Any) -> Label:
    """Of one input as the plan gives it: a reference has the label of the output it names."""
    if not isinstance(given, dict) or set(given) != {"$ref"}:
        # Whose words a plan's own values are, only the text of the goal can show.
        asked_a_model = any(each["intent"]["kind"] == "Think" for each in run.replies)
        by_goal = run.plan_trusted and not run.plan_by_model and not asked_a_model
        return Label(origin=Origin.GOAL if by_goal else Origin.MODEL)
    step, _, name = str(given["$ref"]).partition(".")
    labels: Mapping[str, JsonObject] = run.results.get(step, {}).get("labels", {})
    label = Label.from_json(labels[name]) if name in labels else Label(origin=Origin.CAPABILITY)
    return Label(origin=label.origin, trusted=label.trusted, source=str(given["$ref"]))


def _is_one(value: Any) -> bool:
    return value is not None and (not isinstance(value, list) or len(value) == 1)


def _types(schema: Any) -> frozenset[str]:
    given = schema.get("x-type", ()) if isinstance(schema, dict) else ()
    return frozenset({given} if isinstance(given, str) else given)


def _is_below(path: str, places: Iterable[Any]) -> bool:
    found = PurePosixPath(path)
    return any(isinstance(e, str) and e and found.is_relative_to(PurePosixPath(e)) for e in places)
