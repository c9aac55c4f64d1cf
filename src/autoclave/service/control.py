"""Control: the one door through which people reach the agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..core.checkpoints import Checkpoints
from ..core.engine import Board
from ..core.journal import SqlJournal
from ..core.owners import Owners
from ..core.parts import Parts
from ..core.proposals import Proposals, Reader
from ..core.writer import Writer
from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput, NotAllowed, NotFound
from ..domain.events import EventKind, NewEvent
from ..domain.knowledge import PatternKind
from ..domain.owners import Change as OwnerChanges
from ..domain.risk import Action, ActionKind, Origin, Verdict
from ..domain.sealed import Tier
from ..governance.gate import PolicyGate
from ..monitoring.exporters import export_events, export_metrics
from ..monitoring.health import check_health
from ..monitoring.machine import machine_probes
from ..monitoring.metrics import measure
from .agent_desk import AgentDesk
from .audit_desk import AuditDesk, Write
from .body import Body
from .capability_desk import CapabilityDesk
from .doctor import agent_probes
from .goal_desk import Asker, GoalDesk
from .goals import Answer, GoalSpec
from .history import event_to_json
from .home import Home
from .lesson_desk import LessonWish
from .measures import gather_facts
from .owner_view import owners_to_json
from .proposal_view import proposal_to_json
from .running import Listener, Running
from .sandbox_desk import SandboxDesk
from .secret_desk import SecretDesk


class Control:
    """Everything a person can do. Answers are plain JSON values; errors are domain errors."""

    def __init__(
        self,
        *,
        home: Home,
        parts: Parts,
        writer: Writer,
        journal: SqlJournal,
        board: Board,
        gate: PolicyGate,
        body: Body,
        goals: GoalDesk,
        capabilities: CapabilityDesk,
        running: Running,
        checkpoints: Checkpoints,
        close: Callable[[], None],
    ) -> None:
        self.home = home
        self._parts = parts
        self._writer = writer
        self._journal = journal
        self._board = board
        self._gate = gate
        self._body = body
        self._goals = goals
        self._agent = AgentDesk(parts)
        self._capabilities = capabilities
        self._proposals = Proposals(parts)
        self._owners = Owners(parts)
        self._running = running
        self._secrets = SecretDesk(parts.secrets)
        self._sandbox = SandboxDesk(parts.sandbox, parts.files)
        self._checkpoints = checkpoints
        self._audit = AuditDesk(journal)
        self._close = close

    def close(self) -> None:
        """Let go of the database. Everything that was said is on disk already."""
        asyncio.run(self.aclose())

    async def aclose(self) -> None:
        """The same, inside a running loop."""
        await self._writer.close()
        self._close()

    # Goals

    async def add_goal(self, spec: GoalSpec, *, by: str) -> JsonObject:
        return await self._goals.add(spec, by=by)

    async def run_goal(
        self,
        spec: GoalSpec,
        *,
        by: str,
        ask: Asker | None = None,
        listener: Listener | None = None,
    ) -> JsonObject:
        """Reach one goal in this process and report. Raises Busy while an agent runs."""
        return await self._running.run_goal(spec, by=by, ask=ask, listener=listener)

    async def run_again(self, goals: list[str], *, listener: Listener | None = None) -> None:
        """Drive queued goals in this process. Raises Busy while an agent runs."""
        await self._running.run_again(goals, listener=listener)

    async def goals(self, status: str | None = None) -> list[JsonObject]:
        return self._goals.rows(status)

    async def goal(self, goal: str) -> JsonObject:
        return await self._goals.show(goal)

    async def pause_goal(self, goal: str, reason: str, *, by: str) -> None:
        await self._goals.pause(goal, reason=reason, by=by)

    async def resume_goal(self, goal: str, reason: str = "", *, by: str) -> None:
        await self._goals.resume(goal, reason=reason, by=by)

    async def cancel_goal(self, goal: str, reason: str, *, by: str) -> None:
        await self._goals.cancel(goal, reason=reason, by=by)

    async def retry_goal(self, goal: str, *, by: str) -> None:
        await self._goals.retry(goal, by=by)

    async def goal_sheet(self, goal: str) -> Sheet:
        """What an owner signs to say yes to a goal. Raises CredentialMissing, Conflict."""
        return await self._goals.sheet(goal)

    async def answer_goal(
        self,
        goal: str,
        yes: bool,
        *,
        digest: str,
        reason: str = "",
        by: str,
        signed: Approval | None = None,
    ) -> str:
        """Answer what a goal asks; a yes names the digest of what it is for.

        From R4 on it has to be signed. Gives what the yes still lacks, which is mostly nothing.
        """
        answer = Answer(yes=yes, reason=reason, by=by, signed=signed)
        return await self._goals.answer(goal, answer, digest=digest)

    async def add_budget(self, goal: str, added: dict[str, float], *, by: str) -> None:
        """Give a goal more to spend; one that was parked for its budget goes on."""
        await self._goals.add_budget(goal, added, by=by)

    # The whole agent

    async def standing(self) -> JsonObject:
        """Whether the agent is paused and why, and how the machine is."""
        return self._agent.show()

    async def pause_agent(self, reason: str, *, by: str) -> JsonObject:
        return await self._agent.pause(reason=reason, by=by)

    async def resume_agent(self, reason: str = "", *, by: str) -> JsonObject:
        """Let the agent go on. After an escalation a reason is a must. Raises Conflict."""
        return await self._agent.resume(reason=reason, by=by)

    # The loop

    async def serve(self, stop: asyncio.Event, listener: Listener | None = None) -> None:
        """Work on everything until `stop` is set. Raises Busy while another agent runs."""
        await self._running.serve(stop, listener=listener)

    async def improve(self, listener: Listener | None = None) -> JsonObject:
        """Look for opportunities now and work on them. Raises Busy while an agent runs."""
        return await self._running.improve(listener=listener)

    async def history(self, after: int, limit: int, stream: str = "") -> list[JsonObject]:
        """Events with a higher id, oldest first. With `after` below 0, the last `limit` events."""
        if after < 0:
            events = await self._parts.ledger.events_after(0, stream)
            return [event_to_json(event) for event in events[-limit:]]
        found = await self._writer.call(
            self._journal.read_all, after=after, limit=limit, stream=stream
        )
        return [event_to_json(event) for event in found]

    # Proposals

    async def proposals(self, status: str | None = None) -> list[JsonObject]:
        found = await self._proposals.every()
        return [proposal_to_json(p) for p in found if status is None or p.status == status]

    async def proposal(self, proposal: str) -> JsonObject:
        return proposal_to_json(await self._proposals.get(proposal))

    async def show_proposal(self, proposal: str, *, by: str, to: Reader = "person") -> JsonObject:
        """One of them, for somebody's eyes: that it was shown is written down."""
        return proposal_to_json(await self._proposals.shown(proposal, by=by, to=to))

    async def proposal_sheet(self, proposal: str) -> Sheet:
        """What an owner signs to approve it as it stands. Raises Stale, Conflict."""
        return await self._proposals.sheet(proposal)

    async def approve_proposal(self, proposal: str, *, signed: Approval, by: str) -> JsonObject:
        """Take an owner's yes to exactly what they signed; the last one it takes applies it.

        Raises Stale, Conflict, NotAllowed, CredentialMissing. What waits for another yes comes back
        with the status `signed`.
        """
        return proposal_to_json(await self._proposals.approve(proposal, signed=signed, by=by))

    async def reject_proposal(self, proposal: str, reason: str, *, by: str) -> JsonObject:
        return proposal_to_json(await self._proposals.reject(proposal, reason=reason, by=by))

    async def return_proposal(self, proposal: str, comments: list[str], *, by: str) -> JsonObject:
        record = await self._proposals.send_back(proposal, comments=comments, by=by)
        return proposal_to_json(record)

    async def undo_proposal(self, proposal: str, *, by: str) -> JsonObject:
        return proposal_to_json(await self._proposals.undo(proposal, by=by))

    async def redo_proposal(self, proposal: str, *, by: str) -> JsonObject:
        return proposal_to_json(await self._proposals.redo(proposal, by=by))

    async def settle_proposal(self, proposal: str, *, as_applied: bool, by: str) -> JsonObject:
        """Say what became of one that a crash cut off and a hand edit keeps from being finished."""
        done = await self._proposals.settle(proposal, as_applied=as_applied, by=by)
        return proposal_to_json(done)

    async def lineage(self) -> list[JsonObject]:
        """The agent's own history, newest first."""
        return self._parts.workshop.lineage()

    # Owners

    async def owners(self) -> JsonObject:
        """Who owns this home, and the changes of owners that wait for another yes."""
        return owners_to_json(await self._owners.book())

    async def enrol_first_owner(self, name: str, key: str, *, by: str) -> JsonObject:
        """Take the first owner of this home in. Raises Conflict when it has one."""
        await self._owners.enrol_first(name, key, by=by)
        return await self.owners()

    async def owner_sheet(self, change: OwnerChanges, name: str, key: str = "") -> Sheet:
        """What an owner signs to add or remove one. Raises Conflict, NotFound, InvalidInput."""
        return await self._owners.change_sheet(change, name, key)

    async def change_owners(
        self, change: OwnerChanges, name: str, key: str = "", *, signed: Approval, by: str
    ) -> JsonObject:
        """Add or remove an owner; `done` says whether that was the last yes it took."""
        done = await self._owners.change(change, name, key, signed=signed, by=by)
        return {"done": done, **await self.owners()}

    # Capabilities

    async def list_capabilities(self) -> list[JsonObject]:
        return await self._capabilities.every()

    async def capability(self, name: str) -> JsonObject:
        return await self._capabilities.show(name)

    async def run_capability(
        self, name: str, inputs: JsonObject, workspace: Path | None
    ) -> JsonObject:
        return await self._capabilities.run(name, inputs, workspace)

    async def test_capability(self, name: str) -> JsonObject:
        return await self._capabilities.test(name)

    async def add_capability(self, folder: Path, *, by: str) -> JsonObject:
        return await self._capabilities.add(folder, by=by)

    # Knowledge

    async def patterns(self, kind: str | None = None) -> list[JsonObject]:
        wanted = PatternKind(kind) if kind else None
        return [_plain(each) for each in self._parts.knowledge.patterns(kind=wanted)]

    async def pattern(self, pattern: str) -> JsonObject:
        return _plain(self._parts.knowledge.pattern(pattern))

    async def retire_pattern(self, pattern: str, reason: str, *, by: str) -> JsonObject:
        """Stop learning from a pattern."""
        self._parts.knowledge.pattern(pattern)
        payload = {"pattern_id": pattern, "reason": reason}
        event = NewEvent(kind=EventKind.PATTERN_RETIRED, payload=payload)
        await self._parts.ledger.post("agent", event, actor=by)
        return await self.pattern(pattern)

    async def consolidate_patterns(
        self, wish: LessonWish, *, listener: Listener | None = None
    ) -> JsonObject:
        """Let a model put into words what patterns teach. Raises Busy while an agent runs."""
        return await self._running.consolidate(wish, listener=listener)

    # Secrets: set, named and forgotten here, never shown.

    async def set_secret(
        self, name: str, value: str, *, host: str, header: str, prefix: str
    ) -> JsonObject:
        return self._secrets.set(name, value, host=host, header=header, prefix=prefix)

    async def secrets(self) -> list[JsonObject]:
        return self._secrets.list()

    async def remove_secret(self, name: str) -> JsonObject:
        return self._secrets.remove(name)

    async def research(self, question: str) -> JsonObject:
        """Passages that answer the question, each with its source."""
        if self._parts.research is None:
            raise NotFound("there is nothing to search", hint="put documents below docs/")
        passages = self._parts.research.search(question)
        if passages:
            return {"question": question, "answer": passages[0]["text"], "passages": passages}
        answer = "Nothing that is stored here covers this question."
        return {"question": question, "answer": answer, "passages": []}

    # Keeping

    async def checkpoint_create(self, note: str = "") -> JsonObject:
        make = self._checkpoints.create
        made = await self._writer.call(make, note, journal=self._journal)
        return _checkpoint(made.to_json())

    async def list_checkpoints(self) -> list[JsonObject]:
        return [_checkpoint(each.to_json()) for each in self._checkpoints.list()]

    async def restore_checkpoint(self, checkpoint: str, *, by: str) -> JsonObject:
        """Go back to a snapshot; the present becomes one first. Raises Busy, NotFound."""
        self._judge_restore(checkpoint)
        await self._writer.call(self._close)
        restored = await asyncio.to_thread(self._checkpoints.restore, checkpoint, by=by)
        return _checkpoint(restored.to_json())

    def _judge_restore(self, checkpoint: str) -> None:
        """The command of a person is the answer to an ask; a deny stays one."""
        person = frozenset({Origin.PERSON})
        action = Action(kind=ActionKind.CHECKPOINT_RESTORE, target=checkpoint, origins=person)
        ruling = self._gate.judge(action)
        if ruling.verdict is Verdict.DENY:
            raise NotAllowed(f"this may not be restored: {ruling.reason}", rules=ruling.rules)

    async def audit_verify(self, *, expect: str = "") -> JsonObject:
        """Check the whole journal; `expect` is a head that somebody kept."""
        return await self._audit.verify(expect=expect)

    async def audit_incidents(self) -> list[JsonObject]:
        return await self._audit.incidents()

    async def audit_export(self, write: Write, *, first: int = 1, last: int | None = None) -> None:
        """Hand the journal to `write`, as lines that an outsider can check."""
        await self._audit.export(write, first=first, last=last)

    async def export(self, what: str, form: str) -> str:
        """All metrics or all events as text in one of the forms."""
        if what == "metrics":
            facts = await gather_facts(self.home, self._parts, self._board)
            return export_metrics(measure(facts, at=time.time()), form)
        if what == "events":
            events = await self._parts.ledger.events_after(0)
            return export_events([event_to_json(event) for event in events], form)
        raise InvalidInput(f"{what!r} can't be exported; metrics and events can")

    # The sandbox, the rules, health

    async def sandbox_run(
        self, argv: tuple[str, ...], tier: Tier | None, folder: Path | None
    ) -> JsonObject:
        return await self._sandbox.run(argv, tier, folder)

    async def sandbox_test(self) -> JsonObject:
        return await self._sandbox.test()

    async def explain(self, action: JsonObject) -> JsonObject:
        """What the rules say about an action given as JSON, and why."""
        parsed = _action(action)
        ruling = self._gate.judge(parsed)
        return {**ruling.to_json(), "explanation": self._gate.explain(parsed)}

    async def doctor(self) -> JsonObject:
        last = await self.history(-1, 1)
        newest = last[0]["at"] if last else 0.0
        probes = (
            *machine_probes(self.home.root, newest_event_at=newest),
            *agent_probes(self.home, self._parts, self._journal, self._gate, self._body),
        )
        return (await check_health(probes)).to_json()


def _plain(pattern: object) -> JsonObject:
    found = asdict(pattern)  # type: ignore[call-overload]
    return {**found, "kind": str(found["kind"]), "state": str(found["state"])}


def _checkpoint(found: JsonObject) -> JsonObject:
    return {**found, "at": found["made_at"], "events": found["last_id"]}


def _action(data: JsonObject) -> Action:
    try:
        origins = frozenset(Origin(each) for each in data.get("origins", ["person"]))
        return Action(
            kind=ActionKind(data["kind"]),
            target=data["target"],
            attributes=data.get("attributes", {}),
            origins=origins,
        )
    except (KeyError, TypeError, ValueError) as error:
        kinds = ", ".join(ActionKind)
        raise InvalidInput(
            f"not an action: {error}", hint=f'give {{"kind": …, "target": …}}; kinds: {kinds}'
        ) from error
