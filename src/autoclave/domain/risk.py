"""What is judged (actions), how dangerous it is (risk tiers) and what was decided (rulings)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import IntEnum, StrEnum

from .approval import Quorum
from .canonical import JsonObject, digest
from .provenance import Origin as Origin
from .provenance import Provenance


class Risk(IntEnum):
    """How much a thing can hurt; a higher tier needs more."""

    R0 = 0  # observe
    R1 = 1  # reversible workspace change
    R2 = 2  # run generated code
    R3 = 3  # read outside
    R4 = 4  # effect outside, new dependency, change of mind or capability
    R5 = 5  # kernel, rules, sandbox, approvals, audit, secrets: refused


class Verdict(StrEnum):
    """What governance says; the strictest wins."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class ActionKind(StrEnum):
    """The closed set of things that are judged."""

    CAPABILITY_RUN = "capability.run"
    COMMAND_RUN = "command.run"
    WORKSPACE_READ = "workspace.read"
    WORKSPACE_WRITE = "workspace.write"
    NETWORK_REQUEST = "network.request"
    MODEL_CALL = "model.call"
    KNOWLEDGE_READ = "knowledge.read"
    KNOWLEDGE_WRITE = "knowledge.write"
    CAPABILITY_ENROL = "capability.enrol"
    SELF_MODIFICATION = "self_modification"
    GOAL_ADD = "goal.add"
    CHECKPOINT_RESTORE = "checkpoint.restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing about to be done, normalised so that rules can judge it."""

    kind: ActionKind
    target: str
    """What it acts on: a capability, a path relative to its root, an executable, a host."""
    attributes: JsonObject = field(default_factory=dict)
    """Facts that rules test: `paths`, `touches`, `argv`, `size`, `network`, `risk_hint` …"""
    origins: frozenset[Origin] = frozenset({Origin.GOAL})
    goal_id: str = ""
    """The run that wants it; empty for what a person does by themselves."""
    provenance: Provenance | None = None
    """Stated by the kernel for every step of a run."""

    def to_json(self) -> JsonObject:
        data: JsonObject = {
            "kind": str(self.kind),
            "target": self.target,
            "attributes": self.attributes,
            "origins": sorted(self.origins),
            "goal_id": self.goal_id,
        }
        return data if self.provenance is None else data | {"provenance": self.provenance.to_json()}

    @property
    def digest(self) -> str:
        return digest(self.to_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What governance said about one action, and by which rules."""

    verdict: Verdict
    risk: Risk
    rules: tuple[str, ...]
    """Ids of the rules that decided; `("default",)` when none matched."""
    reason: str
    action_digest: str
    rules_digest: str
    """Digest of the whole rule set in force."""
    quorum: Quorum = Quorum()
    """Whose yes it takes, where one is asked for."""

    def to_json(self) -> JsonObject:
        return {
            **asdict(self),
            "verdict": str(self.verdict),
            "risk": self.risk.name,
            "rules": list(self.rules),
        }
