"""Capabilities as values: what each one can do, what it needs, what running it gave."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from .canonical import JsonObject
from .changes import ChangeSet
from .intents import Effect
from .sealed import Ended, Limits, Tier

Access = Literal["none", "read", "write"]


def host_fits(pattern: str, host: str) -> bool:
    """Whether a pattern of `needs.network` covers a host."""
    if pattern == "*":
        return True
    if not pattern.startswith("*."):
        return pattern == host
    label, _, rest = host.partition(".")
    return bool(label and rest) and rest == pattern.removeprefix("*.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretNeed:
    """A secret that the kernel puts into requests to one host; the capability never sees it."""

    name: str
    host: str
    header: str = "Authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a capability touches besides its own scratch folder."""

    workspace: Access = "none"
    """`write` works on a copy; the kernel judges and applies what changed."""
    network: tuple[str, ...] = ()
    """Hosts that it may ask the kernel to send requests to; `*.` stands for one more label, `*`
    for any host."""
    commands: tuple[str, ...] = ()
    model: bool = False
    knowledge: bool = False
    """It may ask what is known."""
    secrets: tuple[SecretNeed, ...] = ()

    @property
    def calls(self) -> bool:
        """Whether it may ask the kernel for anything while it runs."""
        return bool(self.network or self.model or self.knowledge)

    def reaches(self, host: str) -> bool:
        """Whether it names a host."""
        return any(host_fits(pattern, host) for pattern in self.network)


def needs_to_json(needs: Needs) -> JsonObject:
    """In plain values, as they are shown and signed."""
    return {
        **asdict(needs),
        "network": list(needs.network),
        "commands": list(needs.commands),
        "secrets": [asdict(each) for each in needs.secrets],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One way to use a capability, run in the sandbox before it is enrolled."""

    inputs: JsonObject
    outputs: JsonObject
    """Fields that the outputs must have with exactly these values; others are free."""
    files: dict[str, str] = field(default_factory=dict)
    """The workspace that the example starts with."""
    changes: dict[str, str] = field(default_factory=dict)
    """Files that must hold this text afterwards."""
    answers: list[JsonObject] = field(default_factory=list)
    """What the kernel answers to its calls, in order: `call`, and the `answer` to exactly that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A capability as its `capability.toml` states it; read before any of its code."""

    name: str
    version: str
    purpose: str
    """One sentence; the mind and the model read it when they choose."""
    inputs: JsonObject
    """JSON Schema (2020-12) of an object. A property may carry `x-type`, its semantic type."""
    outputs: JsonObject
    effect: Effect
    needs: Needs = Needs()
    limits: Limits = Limits()
    serves: tuple[str, ...] = ()
    """Words of a goal that this capability can bring to its end, for the offline planner."""
    provides: tuple[str, ...] = ()
    """Semantic types of its outputs, for composition."""
    depends_on: tuple[str, ...] = ()
    """Requirement strings, `name` or `name>=1.2`."""
    examples: tuple[Example, ...] = ()
    folder: Path
    tree: str
    """Digest of every file in the folder: what ran is what was enrolled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a capability, a gate or a model call failed, as data that can be learned from."""

    error_class: str
    """Name of the exception class, or an `Ended` value such as `wall_clock`, or a kernel error."""
    message: str
    where: str = ""
    """`file.py:function` of the innermost frame inside the capability; empty when unknown."""
    traceback: str = ""

    def to_json(self) -> JsonObject:
        return {
            "error_class": self.error_class,
            "message": self.message,
            "where": self.where,
            "traceback": self.traceback,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityResult:
    """What one sealed run of a capability gave. Nothing outside has been changed yet."""

    outputs: JsonObject
    changes: ChangeSet
    failure: Failure | None
    ended: Ended
    log: bytes
    """Its standard output and error, untrusted, capped."""
    seconds: float
    cpu_seconds: float
    max_rss_bytes: int
    tier: Tier

    @property
    def ok(self) -> bool:
        return self.failure is None
