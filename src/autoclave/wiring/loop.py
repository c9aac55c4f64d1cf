"""What the loop works with, joined."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..capabilities import host
from ..core.home_lock import HomeLock
from ..core.mind_loader import HomeMind
from ..core.mind_trials import SealedTrials, health_of
from ..core.parts import Parts
from ..domain.ports import LanguageModel
from ..domain.risk import Action, Risk, Ruling
from ..governance.approval_system import answer_upto
from ..governance.attendance import check_may_ask
from ..governance.canary import Canary
from ..governance.components import touches_of
from ..governance.credentials import verify
from ..governance.gate import PolicyGate
from ..learning.knowledge_base import KnowledgeBase
from ..research.page_text import read_page
from ..research.solution_finder import LocalResearch
from ..service.body import Body
from ..service.home import Home
from ..service.running import Attendance
from ..service.spending import Spending
from ..service.watching import Machine, Refresh, machine_of
from .hands import CAPABILITIES, Hands, open_workshop
from .stores import Stores, audit_gap, open_secrets


def open_parts(
    home: Home,
    stores: Stores,
    hands: Hands,
    *,
    gate: PolicyGate,
    body: Body,
    choose: Callable[[str], LanguageModel | None],
    attendance: Attendance,
) -> Parts:
    knowledge = KnowledgeBase(stores.engine)
    mind = HomeMind(home.mind, hands.sandbox)
    trials = SealedTrials(
        stores.ledger,
        manifests=body.toolbox.manifests,
        sandbox=hands.sandbox,
        parts=lambda: parts,
    )
    machine = machine_of(home.root, lambda: gate.policy.machine)

    def answers_beforehand(ruling: Ruling, action: Action, up_to: Risk) -> bool:
        # Looked up each time: the rules may be read again while the agent runs.
        return answer_upto(ruling, action, up_to, most=gate.policy.approvals.yes_up_to)

    async def body_changed(paths: tuple[str, ...], by: str) -> None:
        mind.reload()
        await body.changed(paths, by)

    parts = Parts(
        ledger=stores.ledger,
        mind=mind,
        toolbox=body.toolbox,
        toolbox_at=hands.toolbox_at,
        gate=gate,
        files=hands.files,
        sandbox=hands.sandbox,
        knowledge=knowledge,
        workshop=open_workshop(home, hands, trials),
        research=LocalResearch([home.root / "docs"], knowledge=knowledge),
        models=choose,
        clock=time.time,
        capabilities_folder=home.capabilities,
        capability_host=Path(host.__file__),
        body_lock=lambda: HomeLock(home.runtime / "body.lock"),
        body_changed=body_changed,
        refresh=Refresh(body, gate, home.rules, reload_mind=mind.reload),
        touches_of=lambda paths: touches_of(paths, body_prefixes=(CAPABILITIES, home.mind_folder)),
        answers_beforehand=answers_beforehand,
        verify=verify,
        ask_seconds=lambda risk: gate.policy.ask_seconds(risk),
        approval_seconds=gate.policy.approval_seconds(Risk.R4),
        shortage=machine.shortage,
        standing=stores.standing,
        canary=Canary.planted(home.runtime),
        conceal=stores.vault.conceal,
        reveal=stores.vault.reveal,
        fetcher=hands.fetcher,
        secrets=open_secrets(home, stores),
        read_page=read_page,
        mind_health=lambda: health_of(mind),
        prompts=mind.prompts,
    )
    parts = _within_limits(parts, stores, gate=gate, machine=machine, attendance=attendance)
    return parts


def _within_limits(
    parts: Parts, stores: Stores, *, gate: PolicyGate, machine: Machine, attendance: Attendance
) -> Parts:
    """The same under the limits of the machine, the day, the journal and who is there."""

    def may_ask(ruling: Ruling | None) -> None:
        check_may_ask(ruling, gate.policy, attended=attendance.is_attended)

    async def look() -> None:
        stores.live.went_round()
        await machine.look()

    return replace(
        parts,
        overload=machine.overload,
        look=look,
        day=Spending(stores.ledger, stores.board, lambda: gate.policy.day, clock=time.time),
        may_ask=may_ask,
        escalation=gate.escalation,
        audit_gap=audit_gap(stores),
    )
