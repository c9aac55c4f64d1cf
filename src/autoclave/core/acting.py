"""Running a capability for a step: permission, sealed run, permission for its changes, apply."""

from __future__ import annotations

from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.capability import CapabilityResult, Manifest
from ..domain.changes import ChangeSet
from ..domain.errors import (
    AutoclaveError,
    BudgetSpent,
    Busy,
    Fatal,
    InvalidInput,
    NotAllowed,
    NotFound,
)
from ..domain.events import EventKind, NewEvent
from ..domain.intents import Act, Effect, parse, to_json
from ..domain.provenance import Provenance
from ..domain.risk import Action, ActionKind
from ..domain.run import Run, RunKind
from .broker_actions import Step
from .brokering import Brokering
from .concealing import conceal_ran, reveal_changes
from .labels import (
    acts_outside,
    output_labels,
    provenance_of,
    ready_too,
    trusted_text,
    with_changes,
)
from .parts import Parts
from .permission import Parked, Slot, permit, settle_doubt
from .results import bad, came_out, failure_of, good, resolve, result_event
from .workspace import alone_in, workspace_of


class Acting:
    """Performs `Act`; also picks up one that was cut off."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def perform(self, run: Run, intent: Act) -> Run:
        """Judge, write down, do, write down. What goes wrong becomes the step's result."""
        key = f"{run.id}-{run.keys + 1}"
        if run.results.get(intent.step, {}).get("in_doubt"):
            # A person's no holds for as long as the plan: the mind may not ask around it.
            error = NotAllowed(run.results[intent.step]["failure"]["message"])
            return await self._failed(run, key, to_json(intent), error, in_doubt=True)
        try:
            manifest = self._parts.toolbox.manifest(intent.capability)
            inputs = self._inputs(run, intent)
            allowed = await self._permit_run(run, manifest, intent, inputs, key=key)
        except Parked as parked:
            return parked.run
        except Fatal:
            raise
        except AutoclaveError as error:
            return await self._failed(run, key, to_json(intent), error)
        if manifest.effect is not Effect.PURE or manifest.needs.calls:
            # What it asks for is written down under the key of this step, and of no other.
            begun = {"key": key, "intent": to_json(intent), "effect": str(manifest.effect)}
            recorded = NewEvent(
                kind=EventKind.INTENT_RECORDED, payload={**begun, "permission": allowed}
            )
            run = await self._parts.ledger.record(run, recorded)
        return await self._run(run, manifest, inputs, key, to_json(intent))

    async def resume(self, run: Run, intent: Act) -> Run:
        """Finish an intent that has no result yet, by the effect class that it declared."""
        if run.open_intent is None:
            raise InvalidInput(f"{run.id} has no open intent")
        key, recorded = run.open_intent["key"], to_json(intent)
        if run.open_changes is not None:
            return await self._apply(run, key, recorded)
        try:
            manifest = self._parts.toolbox.manifest(intent.capability)
            inputs = self._inputs(run, intent)
        except Fatal:
            raise
        except AutoclaveError as error:
            return await self._failed(run, key, recorded, error)
        effect = Effect(run.open_intent["effect"])
        # What a sealed run did outside it did through its calls, and those are not done twice.
        is_safe = manifest.needs.workspace == "write" or manifest.needs.calls
        if is_safe or effect in (Effect.PURE, Effect.IDEMPOTENT):
            return await self._run(run, manifest, inputs, key, recorded, again=True)
        if effect is Effect.VERIFIABLE:
            return await self._verify(run, manifest, inputs, key, recorded)
        return await self._in_doubt(run, manifest, inputs, key, recorded)

    def _inputs(self, run: Run, intent: Act) -> JsonObject:
        try:
            return resolve(intent.inputs, dict(run.results))
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"step {intent.step} refers to {error}, which is missing") from error

    async def _permit_run(
        self, run: Run, manifest: Manifest, intent: Act, inputs: JsonObject, *, key: str
    ) -> JsonObject:
        offered = {each.name: each for each in self._parts.toolbox.manifests()}
        if manifest.needs.workspace != "none":
            reading = Action(kind=ActionKind.WORKSPACE_READ, target=".", goal_id=run.id)
            asked = f"May {manifest.name} read the workspace?"
            await permit(self._parts, run, reading, request=f"{key}-read", question=asked)
        too = [
            Slot(step=other.step, action=run_action(run, offered[other.capability], other, theirs))
            for other, theirs in ready_too(run, intent)
            if other.capability in offered
        ]
        return await permit(
            self._parts,
            run,
            run_action(run, manifest, intent, inputs),
            request=f"{key}-run",
            question=f"May {manifest.name} run? {manifest.purpose}",
            step=intent.step,
            too=too,
        )

    async def _run(
        self,
        run: Run,
        manifest: Manifest,
        inputs: JsonObject,
        key: str,
        intent: JsonObject,
        *,
        again: bool = False,
    ) -> Run:
        act = _act(intent)
        step = Step(manifest=manifest, intent=act, inputs=inputs, key=key)
        broker = Brokering(self._parts, run, step, again=again)
        try:
            async with workspace_of(self._parts, run) as workspace:
                true = self._parts.reveal(run.stream, inputs)
                ran = await self._parts.toolbox.run(
                    manifest.name, true, workspace=workspace, key=key, broker=broker
                )
        except Parked as parked:
            return parked.run
        except (Fatal, BudgetSpent):
            raise
        except AutoclaveError as error:
            return await self._failed(broker.run, key, intent, error)
        run = broker.run
        has_canary = self._parts.canary(
            [ran.outputs, ran.changes.to_json(), ran.failure and ran.failure.to_json(), ran.log]
        )
        ran = conceal_ran(self._parts, run.stream, ran)
        came_from = provenance_of(run, manifest, act, inputs, is_effect=True)
        facts = _facts_of(manifest, ran, came_from)
        spend = {"steps": 1, "seconds": round(ran.seconds, 3)}
        if has_canary:
            return await self._failed(run, key, intent, came_out(), spend=spend)
        if ran.failure is not None:
            result = bad(ran.failure.to_json(), **facts)
            return await self._parts.ledger.insist(
                run, result_event(key, intent, result, spend=spend)
            )
        if not ran.changes or run.kind is RunKind.IMPROVEMENT:
            result = good(outputs=ran.outputs, **facts)
            return await self._parts.ledger.insist(
                run, result_event(key, intent, result, spend=spend)
            )
        prepared: JsonObject = {
            "key": key,
            "changes": ran.changes.to_json(),
            "result": good(outputs=ran.outputs, **facts),
            "provenance": with_changes(came_from, manifest, ran.changes).to_json(),
            "spend": spend,
        }
        event = NewEvent(kind=EventKind.CHANGES_PREPARED, payload=prepared)
        run = await self._parts.ledger.insist(run, event)
        return await self._apply(run, key, intent)

    async def _apply(self, run: Run, key: str, intent: JsonObject) -> Run:
        """Ask for leave to write the prepared changes, then write exactly those."""
        prepared = run.open_changes
        if prepared is None:
            raise InvalidInput(f"{run.id} has no prepared changes")
        changes = ChangeSet.from_json(prepared["changes"])
        try:
            true = reveal_changes(self._parts, run.stream, changes)
            came_from = _provenance_of_changes(run, prepared)
            allowed = await self._permit_write(run, changes, came_from, key=key, size=_size(true))
            with alone_in(Path(run.workspace)):
                self._parts.files.apply(Path(run.workspace), true)
        except Parked as parked:
            return parked.run
        except (Fatal, Busy):
            raise  # whoever is writing there may be finishing this very change
        except AutoclaveError as error:
            return await self._failed(run, key, intent, error, spend=prepared["spend"])
        applied = {
            "key": key,
            "paths": list(changes.paths),
            "digest": changes.digest,
            "diff": changes.diff(),
            "permission": allowed,
        }
        result = {**prepared["result"], "applied": applied}
        event = result_event(key, intent, result, spend=prepared["spend"])
        return await self._parts.ledger.insist(run, event)

    async def _permit_write(
        self, run: Run, changes: ChangeSet, came_from: Provenance, *, key: str, size: int
    ) -> JsonObject:
        if not run.workspace:
            raise NotFound("the goal has no workspace to write to", hint="give --workspace DIR")
        attributes: JsonObject = {
            "paths": list(changes.paths),
            "files": len(changes.files),
            "bytes": size,
            "deletes": sum(each.after is None for each in changes.files),
        }
        action = Action(
            kind=ActionKind.WORKSPACE_WRITE,
            target=changes.paths[0] if len(changes.paths) == 1 else ".",
            attributes=attributes,
            origins=came_from.origins(),
            goal_id=run.id,
            provenance=came_from,
        )
        files = f"{len(changes.files)} file{'s' * (len(changes.files) != 1)}"
        return await permit(
            self._parts,
            run,
            action,
            request=f"{key}-write-{changes.digest[:8]}",
            question=f"Write {files} in {run.workspace}?",
            shown=changes.diff(),
        )

    async def _verify(
        self, run: Run, manifest: Manifest, inputs: JsonObject, key: str, intent: JsonObject
    ) -> Run:
        """Ask reality whether it was done."""
        async with workspace_of(self._parts, run) as workspace:
            true = self._parts.reveal(run.stream, inputs)
            outputs = await self._parts.toolbox.verify(
                manifest.name, true, workspace=workspace, key=key
            )
        if outputs is None:
            return await self._run(run, manifest, inputs, key, intent)
        if self._parts.canary(outputs):
            return await self._failed(run, key, intent, came_out())
        outputs = self._parts.conceal(run.stream, outputs, literal=True)
        labels = output_labels(manifest, outputs)
        result = good(outputs=outputs, labels=labels, verified_after_restart=True)
        return await self._parts.ledger.insist(run, result_event(key, intent, result))

    async def _in_doubt(
        self, run: Run, manifest: Manifest, inputs: JsonObject, key: str, intent: JsonObject
    ) -> Run:
        """It may or may not have happened, and must not happen twice: a person decides."""
        try:
            answer = await settle_doubt(
                self._parts,
                run,
                run_action(run, manifest, _act(intent), inputs),
                request=f"{key}-in-doubt",
                question=f"{manifest.name} was cut off and must not run twice. Run it again? "
                "(no: take it as failed)",
            )
        except Parked as parked:
            return parked.run
        except NotAllowed as refused:
            return await self._failed(run, key, intent, refused, in_doubt=True)
        if answer["yes"]:
            # A new key: if this one is cut off as well, a person is asked again.
            key = f"{run.id}-{run.keys + 1}"
            again: JsonObject = {"key": key, "intent": intent, "effect": "once"}
            event = NewEvent(kind=EventKind.INTENT_RECORDED, payload=again)
            run = await self._parts.ledger.record(run, event)
            return await self._run(run, manifest, inputs, key, intent)
        error = NotAllowed(f"it was cut off, and {answer['by']} said not to run it again")
        return await self._failed(run, key, intent, error, in_doubt=True)

    async def _failed(
        self,
        run: Run,
        key: str,
        intent: JsonObject,
        error: AutoclaveError,
        *,
        spend: JsonObject | None = None,
        **facts: object,
    ) -> Run:
        result = bad(failure_of(error), **facts)
        event = result_event(key, intent, result, spend=spend or {"steps": 1})
        return await self._parts.ledger.insist(run, event)


def run_action(run: Run, manifest: Manifest, intent: Act, inputs: JsonObject) -> Action:
    """Running a capability for one step, as governance judges it."""
    needs = manifest.needs
    attributes: JsonObject = {
        "effect": str(manifest.effect),
        "workspace": needs.workspace,
        "network": list(needs.network),
        "commands": list(needs.commands),
        "model": needs.model,
        "knowledge": needs.knowledge,
        "secrets": [each.name for each in needs.secrets],
        "tree": manifest.tree,
        "trusted": True,
        "sealed": True,
    }
    if isinstance(inputs.get("argv"), list):
        attributes |= {"argv": inputs["argv"], "shell": False}
    is_effect = acts_outside(manifest, inputs)
    came_from = provenance_of(run, manifest, intent, inputs, is_effect=is_effect)
    return Action(
        kind=ActionKind.CAPABILITY_RUN,
        target=manifest.name,
        attributes=attributes,
        origins=came_from.origins(),
        goal_id=run.id,
        provenance=came_from,
    )


def _provenance_of_changes(run: Run, prepared: JsonObject) -> Provenance:
    """As it was found when the step ran; of what nothing is known, nothing is trusted."""
    text = trusted_text(run)
    if "provenance" not in prepared:
        return Provenance(trusted_text=text)
    return Provenance.from_json(prepared["provenance"], trusted_text=text)


def _size(changes: ChangeSet) -> int:
    return sum(len(each.after or b"") for each in changes.files)


def _act(intent: JsonObject) -> Act:
    parsed = parse(intent)
    if not isinstance(parsed, Act):
        raise InvalidInput(f"{intent['kind']} runs no capability")
    return parsed


def _facts_of(manifest: Manifest, ran: CapabilityResult, came_from: Provenance) -> JsonObject:
    return {
        "seconds": round(ran.seconds, 4),
        "cpu_seconds": round(ran.cpu_seconds, 4),
        "capability_version": manifest.version,
        "capability_tree": manifest.tree,
        "tier": str(ran.tier),
        "labels": output_labels(manifest, ran.outputs, came_from),
    }
