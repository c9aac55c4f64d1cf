"""Whether a goal is reached: checked by the kernel, never claimed by the mind."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.capability import Manifest
from ..domain.errors import AutoclaveError, Fatal, InvalidInput, NotAllowed
from ..domain.intents import Act, Effect
from ..domain.risk import Action, ActionKind, Verdict
from ..domain.run import Run
from .acting import run_action
from .concealing import conceal_ran
from .parts import Parts
from .results import bad, came_out, failure_of, good, resolve
from .sealed_command import run_sealed

_SECONDS = 120.0


def describe_done_test(run: Run) -> str:
    """The done-test in words."""
    if run.done:
        return shlex.join(run.done)
    done = (run.plan or {}).get("done") or {}
    if "capability" in done:
        return f"{done['capability']} says {done['field']}"
    if "step" in done:
        return f"step {done['step']} says {done['field']}"
    return "none: every step of the plan succeeds"


async def check_done(parts: Parts, run: Run, workspace: Path | None) -> JsonObject:
    """The result of the done-test: its `value` says what was checked and by what."""
    try:
        if run.done:
            return await _by_command(parts, run, workspace)
        done = (run.plan or {}).get("done") or {}
        if "capability" in done:
            return await _by_capability(parts, run, done, workspace)
        if "step" in done:
            return _by_step(run, done)
    except Fatal:
        raise
    except AutoclaveError as error:
        return bad(failure_of(error), value={"verified_by": "check"})
    return good(value={"verified_by": "self-report", "test": describe_done_test(run)})


async def _by_command(parts: Parts, run: Run, workspace: Path | None) -> JsonObject:
    attributes = {"argv": list(run.done), "shell": False, "sealed": True}
    action = Action(kind=ActionKind.COMMAND_RUN, target=run.done[0], attributes=attributes)
    ruling = parts.gate.judge(action)
    if ruling.verdict is not Verdict.ALLOW:
        raise NotAllowed(f"the done-test may not run: {ruling.reason}", rules=ruling.rules)
    argv = tuple(parts.reveal(run.stream, list(run.done)))
    seen = await run_sealed(parts.sandbox, parts.files, argv, workspace, seconds=_SECONDS)
    if parts.canary(seen):
        raise came_out()
    value = {"verified_by": "check", "test": describe_done_test(run), **seen}
    if seen["ok"]:
        return good(value=value)
    how = seen["ended"] if seen["exit_code"] is None else f"exit code {seen['exit_code']}"
    last = next((line for line in reversed(seen["output"].splitlines()) if line.strip()), "")
    return bad(_not_reached(f"{describe_done_test(run)}: {how}: {last}"), value=value)


async def _by_capability(
    parts: Parts, run: Run, done: JsonObject, workspace: Path | None
) -> JsonObject:
    try:
        inputs = resolve(done["inputs"], dict(run.results))
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"the done-test refers to {error}, which is missing") from error
    manifest = parts.toolbox.manifest(done["capability"])
    if manifest.effect is not Effect.PURE or manifest.needs.calls:
        raise NotAllowed(f"{manifest.name} does more than look, so it is no done-test")
    _check_allowed(parts, run, manifest, done, inputs)
    inputs = parts.reveal(run.stream, inputs)
    ran = await parts.toolbox.run(done["capability"], inputs, workspace=workspace, key="done-test")
    if parts.canary([ran.outputs, ran.failure and ran.failure.to_json(), ran.log]):
        raise came_out()
    ran = conceal_ran(parts, run.stream, ran)
    value = {"verified_by": "check", "test": done["capability"], "outputs": ran.outputs}
    if ran.failure is not None:
        return bad(ran.failure.to_json(), value=value)
    if ran.outputs.get(done["field"]) is True:
        return good(value=value)
    why = ran.outputs.get("reason") or f"{done['field']} is not true"
    return bad(_not_reached(f"{done['capability']}: {why}"), value=value)


def _check_allowed(
    parts: Parts, run: Run, manifest: Manifest, done: JsonObject, inputs: JsonObject
) -> None:
    """Raise NotAllowed unless the rules let it run without a question."""
    intent = Act(step="done-test", capability=manifest.name, inputs=done["inputs"])
    actions = [run_action(run, manifest, intent, inputs)]
    if manifest.needs.workspace != "none":
        actions.append(Action(kind=ActionKind.WORKSPACE_READ, target=".", goal_id=run.id))
    for action in actions:
        ruling = parts.gate.judge(action)
        if ruling.verdict is not Verdict.ALLOW:
            message = f"the done-test {manifest.name} may not run: {ruling.reason}"
            raise NotAllowed(message, rules=ruling.rules)


def _by_step(run: Run, done: JsonObject) -> JsonObject:
    outputs = run.results.get(done["step"], {}).get("outputs", {})
    value = {"verified_by": "check", "test": f"step {done['step']}"}
    if outputs.get(done["field"]) is True:
        return good(value=value)
    why = outputs.get("why_not") or f"{done['field']} is not true"
    return bad(_not_reached(f"{done['step']}: {why}"), value=value)


def _not_reached(message: str) -> JsonObject:
    return {
        "error_class": "DoneTestFailed",
        "message": message,
        "where": "",
        "traceback": "",
    }
