"""The one door, with everything behind it joined."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from ..capabilities.integrator import Integrator
from ..capabilities.registry import Registry
from ..capabilities.runner import SealedToolbox
from ..core.home_lock import HomeLock
from ..domain.ports import LanguageModel
from ..governance.gate import PolicyGate
from ..governance.safety_rules import SafetyRules
from ..monitoring.live import Live
from ..service.body import Body
from ..service.capability_desk import CapabilityDesk
from ..service.control import Control
from ..service.goal_desk import GoalDesk
from ..service.home import Home
from ..service.running import Attendance, Running
from ..settings import Settings, load_settings
from .hands import Hands, open_hands
from .loop import open_parts
from .models import open_models
from .outlook import open_monitoring, start_tracing
from .stores import open_stores


def open_control(
    home: Home, *, settings: Settings | None = None, model: LanguageModel | None = None
) -> Control:
    """The agent over one home. Raises ConfigurationInvalid, JournalBroken, OutOfResources."""
    home.prepare()
    settings = settings or load_settings().settings
    gate = PolicyGate(SafetyRules.load(home.rules))
    stores = open_stores(home, settings, Live(clock=time.time))
    hands = open_hands(home, settings, gate, stores.live)
    toolbox = hands.toolbox(Registry([]))
    body = Body(home, stores.ledger, toolbox)
    models = open_models(settings, stores.vault.redaction)
    attendance = Attendance()
    parts = open_parts(
        home,
        stores,
        hands,
        gate=gate,
        body=body,
        choose=models.choose if model is None else lambda asked: model,
        attendance=attendance,
    )
    batches = models.batches if model is None else lambda asked: None
    parts = replace(parts, batches=batches, consolidates=settings.consolidate)
    goals = GoalDesk(parts, stores.board, budget=gate.policy.goal_budget)
    stop_tracing = start_tracing(home, settings, stores)

    def close() -> None:
        stop_tracing()
        hands.sandbox.close()
        stores.close()

    return Control(
        home=home,
        parts=parts,
        writer=stores.writer,
        journal=stores.journal,
        board=stores.board,
        gate=gate,
        body=body,
        goals=goals,
        capabilities=CapabilityDesk(parts, body, _integrator(hands, toolbox)),
        running=Running(
            parts,
            stores.board,
            goals,
            lock=lambda: HomeLock(home.lock),
            at_once=settings.goals_at_once,
            attendance=attendance,
            day_limits=lambda: asdict(gate.policy.day),
            let_go=models.aclose,
        ),
        checkpoints=stores.checkpoints,
        monitoring=open_monitoring(home, settings, stores, parts, models, gate),
        close=close,
    )


def _integrator(hands: Hands, toolbox: SealedToolbox) -> Integrator:
    return Integrator(registry=lambda: toolbox.registry, sandbox=hands.sandbox, files=hands.files)
