"""The form of `safety_rules.yaml`: each section, each key, and what its text may be."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ..domain.risk import ActionKind, Origin, Risk, Verdict
from ..domain.sealed import Tier
from .nearest import did_you_mean

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _wrong(problem: str) -> PydanticCustomError:
    # The text may hold braces, so it goes in as a value and never as the template itself.
    return PydanticCustomError("wrong", "{problem}", {"problem": problem})


def _number(value: object) -> float:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", value):
        return float(value)
    raise _wrong(f"{value!r} is not a number such as 20 or 0.5")


def _whole(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        return int(value)
    raise _wrong(f"{value!r} is not a whole number")


def _duration(value: object) -> float:
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", value) if isinstance(value, str) else None
    if found and int(found[1]):
        return float(int(found[1]) * _SECONDS[found[2]])
    raise _wrong(f"{value!r} is not a time such as 90s, 30m, 4h or 7d")


def _risk(value: object) -> Risk:
    if isinstance(value, str) and value in Risk.__members__:
        return Risk[value]
    raise _wrong(f"{value!r} is not a risk tier; there is {', '.join(Risk.__members__)}")


def _kind(value: object) -> ActionKind:
    if isinstance(value, str):
        if value in frozenset(ActionKind):
            return ActionKind(value)
        raise _wrong(f"{value!r} is not a kind of action{did_you_mean(value, list(ActionKind))}")
    raise _wrong("the kind of an action is a text")


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _people(value: object) -> int:
    if value in ("1", "2"):
        return int(str(value))
    raise _wrong(f"{value!r} is not how many people say yes; that is 1 or 2")


Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_whole)]
People = Annotated[int, BeforeValidator(_people)]
Duration = Annotated[float, BeforeValidator(_duration)]
RiskName = Annotated[Risk, BeforeValidator(_risk)]
Kind = Annotated[ActionKind, BeforeValidator(_kind)]
Text = Annotated[str, Field(min_length=1, max_length=400)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=200), BeforeValidator(_one_or_more)]
Kinds = Annotated[list[Kind], Field(min_length=1), BeforeValidator(_one_or_more)]
Origins = Annotated[list[Origin], Field(min_length=1), BeforeValidator(_one_or_more)]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,59}$")]


class Section(BaseModel):
    """A mapping of known keys; an unknown one is an error that names the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise _wrong("has to be a mapping of keys to values")
        known = {each.alias or name for name, each in cls.model_fields.items()}
        for key in data:
            if key not in known:
                problem = f"has no key `{key}`{did_you_mean(key, known)}"
                raise PydanticCustomError(
                    "unknown_key", "{problem}", {"problem": problem, "key": key}
                )
        return data


class WhenSection(Section):
    """`conditions.py` says what each of these means."""

    kind: Kinds
    target: Texts | None = None
    target_glob: Texts | None = None
    paths_any: Texts | None = None
    paths_all: Texts | None = None
    touches_any: Texts | None = None
    touches_only: Texts | None = None
    executable: Texts | None = None
    argv_prefix: Texts | None = None
    needs_any: Texts | None = None
    needs_none: Texts | None = None
    imports_any: Texts | None = None
    host: Texts | None = None
    origins_any: Texts | None = None
    origins_only: Texts | None = None
    carries_label_any: Texts | None = None
    is_: dict[str, Text] | None = Field(default=None, alias="is", min_length=1)
    is_not: dict[str, Text] | None = Field(default=None, min_length=1)
    over: dict[str, Number] | None = Field(default=None, min_length=1)
    at_most: dict[str, Number] | None = Field(default=None, min_length=1)


class ExampleSection(Section):
    """One action, written out."""

    kind: Kind
    target: str = ""
    origins: Origins = [Origin.GOAL]
    attributes: dict[str, Any] = Field(default_factory=dict, alias="with")


class RuleSection(Section):
    id: Id
    effect: Verdict
    risk: RiskName | None = None
    when: WhenSection
    reason: Text
    people: People | None = None
    cooling_off: Duration | None = None
    match: list[ExampleSection] = Field(min_length=1)
    not_match: list[ExampleSection] = Field(min_length=1)


class CaseSection(ExampleSection):
    """One action and what the whole policy has to say about it."""

    expect: Verdict
    by: list[str] | None = None
    """The rules that have to decide it."""


class DefaultsSection(Section):
    """`effect` and `on_timeout` have one legal value; they are there to be read."""

    effect: Literal["deny"] = "deny"
    ask_timeout: Duration | None = None
    on_timeout: Literal["deny"] = "deny"
    headless_ask: Literal["queue", "deny"] = "queue"


class TierSection(Section):
    at_least: Verdict = Verdict.ALLOW
    sandbox: Tier = Tier.RESTRICTED
    expires_after: Duration | None = None
    ask_timeout: Duration | None = None
    people: People | None = None
    cooling_off: Duration | None = None


class TiersSection(Section):
    R0: TierSection | None = None
    R1: TierSection | None = None
    R2: TierSection | None = None
    R3: TierSection | None = None
    R4: TierSection | None = None
    R5: TierSection | None = None


class GoalBudgetSection(Section):
    steps: Whole | None = None
    seconds: Number | None = None
    tokens: Whole | None = None
    usd: Number | None = None
    depth: Whole | None = None


class PurposeSection(Section):
    usd: Number | None = None
    tokens: Whole | None = None
    model_calls: Whole | None = None


class DaySection(PurposeSection):
    steps: Whole | None = None
    seconds: Number | None = None


class BandSection(Section):
    soft: Number
    hard: Number


class MachineSection(Section):
    cpu_percent: BandSection | None = None
    memory_mb: BandSection | None = None
    memory_free_mb: BandSection | None = None
    disk_free_mb: BandSection | None = None
    inodes_free: BandSection | None = None
    descriptors: BandSection | None = None
    network_mb_per_second: BandSection | None = None
    network_mb_today: BandSection | None = None


class BudgetsSection(Section):
    per_goal: GoalBudgetSection = GoalBudgetSection()
    per_day: DaySection = DaySection()
    per_purpose: dict[Id, PurposeSection] = Field(default_factory=dict, max_length=50)
    machine: MachineSection = MachineSection()


class ApprovalsSection(Section):
    expires_after: Duration | None = None
    yes_up_to: RiskName | None = None


class EscalationSection(Section):
    same_kind: Whole | None = None
    per_run: Whole | None = None


class FileSection(Section):
    """The whole file."""

    version: Literal["1"]
    core_digest: str = ""
    defaults: DefaultsSection = DefaultsSection()
    risk_tiers: TiersSection = TiersSection()
    labels: dict[Id, Origins] = Field(default_factory=dict)
    rules: list[RuleSection] = Field(default_factory=list, max_length=300)
    budgets: BudgetsSection = BudgetsSection()
    approvals: ApprovalsSection = ApprovalsSection()
    escalation: EscalationSection = EscalationSection()
    protected_paths: list[Text] = Field(default_factory=list, max_length=200)
    tests: list[CaseSection] = Field(default_factory=list, max_length=500)
