"""Control: the one door through which people reach the agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from ..core.checkpoints import Checkpoints
from ..core.engine import Board
from ..core.journal import SqlJournal
from ..core.parts import Parts
from ..core.writer import Writer
from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from ..domain.sealed import Tier
from ..governance.gate import PolicyGate
from ..settings import load_settings
from .agent_desk import AgentDesk
from .audit_desk import AuditDesk, Write
from .body import Body
from .capability_desk import CapabilityDesk
from .changes_door import ChangesDoor
from .following import follow
from .glance import glance
from .goal_desk import Asker, GoalDesk
from .goals import Answer, GoalSpec
from .home import Home
from .inspection_desk import InspectionDesk
from .keeping_desk import KeepingDesk
from .knowledge_desk import KnowledgeDesk
from .lesson_desk import LessonWish
from .monitoring import Monitoring
from .overview import overview
from .owner_desk import OwnerDesk
from .proposal_desk import ProposalDesk
from .running import Listener, Running
from .sandbox_desk import SandboxDesk
from .secret_desk import SecretDesk


class Control(ChangesDoor):
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
        monitoring: Monitoring,
        close: Callable[[], None],
    ) -> None:
        self.home = home
        self._parts = parts
        self._writer = writer
        self._close = close
        self._goals = goals
        self._running = running
        self._monitoring = monitoring
        self._capabilities = capabilities
        self._agent = AgentDesk(parts)
        self._proposals = ProposalDesk(parts)
        self._owners = OwnerDesk(parts)
        self._knowledge = KnowledgeDesk(parts)
        self._secrets = SecretDesk(parts.secrets)
        self._sandbox = SandboxDesk(parts.sandbox, parts.files)
        self._audit = AuditDesk(journal)
        self._keeping = KeepingDesk(parts, checkpoints, journal=journal, writer=writer, close=close)
        self._inspection = InspectionDesk(
            parts,
            home,
            journal=journal,
            writer=writer,
            gate=gate,
            body=body,
            monitoring=monitoring,
        )

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

    async def preview_goal(self, spec: GoalSpec) -> JsonObject:
        """How the agent reads a goal, what it would do first, and the most it may cost."""
        return await self._goals.preview(spec)

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

    async def overview(self) -> JsonObject:
        """Everything that the first screen of a dashboard says."""
        return await asyncio.to_thread(overview, self.home)

    async def settings(self) -> list[JsonObject]:
        """Name, value and origin of every setting in force here."""
        return load_settings().to_rows()

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
        async with self._monitoring.notifier.working():
            await self._running.serve(stop, listener=listener)

    async def improve(self, listener: Listener | None = None) -> JsonObject:
        """Look for opportunities now and work on them. Raises Busy while an agent runs."""
        return await self._running.improve(listener=listener)

    async def status(self) -> JsonObject:
        """How things stand, at a glance."""
        return await asyncio.to_thread(glance, self.home)

    async def newest_event(self) -> int:
        """The id of the newest event; 0 for an empty journal."""
        return await self._writer.call(self._writer.journal.last_id)

    def events(self, after: int, stream: str = "") -> AsyncIterator[JsonObject]:
        """Every event after that one, as they happen, for ever."""
        return follow(self.history, after, stream=stream)

    async def history(self, after: int, limit: int, stream: str = "") -> list[JsonObject]:
        """Events with a higher id, oldest first. With `after` below 0, the last `limit` events."""
        return await self._inspection.history(after, limit, stream)

    # Knowledge

    async def patterns(self, kind: str | None = None) -> list[JsonObject]:
        return self._knowledge.patterns(kind)

    async def pattern(self, pattern: str) -> JsonObject:
        return self._knowledge.pattern(pattern)

    async def retire_pattern(self, pattern: str, reason: str, *, by: str) -> JsonObject:
        """Stop learning from a pattern."""
        return await self._knowledge.retire(pattern, reason, by=by)

    async def consolidate_patterns(
        self, wish: LessonWish, *, listener: Listener | None = None
    ) -> JsonObject:
        """Let a model put into words what patterns teach. Raises Busy while an agent runs."""
        return await self._running.consolidate(wish, listener=listener)

    async def research(self, question: str) -> JsonObject:
        """Passages that answer the question, each with its source."""
        return self._knowledge.research(question)

    # Secrets: set, named and forgotten here, never shown.

    async def set_secret(
        self, name: str, value: str, *, host: str, header: str, prefix: str
    ) -> JsonObject:
        return self._secrets.set(name, value, host=host, header=header, prefix=prefix)

    async def secrets(self) -> list[JsonObject]:
        return self._secrets.list()

    async def remove_secret(self, name: str) -> JsonObject:
        return self._secrets.remove(name)

    # Keeping

    async def checkpoint_create(self, note: str = "") -> JsonObject:
        return await self._keeping.create(note)

    async def list_checkpoints(self) -> list[JsonObject]:
        return self._keeping.every()

    async def restore_sheet(self, checkpoint: str) -> Sheet:
        """What an owner of today signs to go back. Raises NotFound, JournalBroken, NotAllowed."""
        return await self._keeping.sheet(checkpoint)

    async def restore_checkpoint(self, checkpoint: str, *, signed: Approval, by: str) -> JsonObject:
        """Go back to a snapshot, with the last yes that this takes; else see `waits_for`.

        The present becomes a snapshot first. Raises Busy, NotFound, Stale, NotAllowed.
        """
        return await self._keeping.restore(checkpoint, signed=signed, by=by)

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
        return await self._inspection.export(what, form)

    # The sandbox, the rules, health

    async def sandbox_run(
        self, argv: tuple[str, ...], tier: Tier | None, folder: Path | None
    ) -> JsonObject:
        return await self._sandbox.run(argv, tier, folder)

    async def sandbox_test(self) -> JsonObject:
        return await self._sandbox.test()

    async def explain(self, action: JsonObject) -> JsonObject:
        """What the rules say about an action given as JSON, and why."""
        return self._inspection.explain(action)

    async def doctor(self, *, ping_model: bool = False) -> JsonObject:
        """Everything that can be looked at; with `ping_model` the model's server is asked too."""
        return await self._inspection.doctor(ping_model=ping_model)

    # Notices

    async def notices(self) -> list[JsonObject]:
        """What waits for people and how telling them went, the oldest first."""
        return await self._monitoring.notifier.rows()

    async def test_notices(self) -> list[JsonObject]:
        """Send a test notice in every way that is set up. Raises NotFound when there is none."""
        return await self._monitoring.notifier.test()
