"""What requests may say: every field with its form, and no other fields."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from ..domain.approval import Approval
from ..domain.risk import Risk
from ..service.goals import GoalSpec

Text = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00-\x1f]*$")]
Digest = Annotated[str, StringConstraints(max_length=128, pattern=r"^[0-9a-zA-Z]*$")]
Moment = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Amount = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewGoal(_Body):
    """A goal as a person gives it."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]
    workspace: Annotated[Line, Field(description="An absolute path where the agent runs.")] = ""
    done: Annotated[list[Text], Field(max_length=100)] = []
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    budget_usd: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    budget_seconds: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    allow_up_to: Literal["R0", "R1", "R2", "R3"] = "R0"
    model: Annotated[
        str, StringConstraints(pattern=r"^(auto|claude|openai|offline)(:[A-Za-z0-9._:/-]{1,100})?$")
    ] = "auto"

    def to_spec(self, *, key: str) -> GoalSpec:
        return GoalSpec(
            text=self.text,
            workspace=FilePath(self.workspace) if self.workspace else None,
            done=tuple(self.done),
            priority=self.priority,
            budget_usd=self.budget_usd,
            budget_seconds=self.budget_seconds,
            allow_up_to=Risk[self.allow_up_to],
            model=self.model,
            key=key,
        )


class Reason(_Body):
    """Why, for the history."""

    reason: Text = ""


class GoodReason(_Body):
    """Why; it is learned from."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]


class Nothing(_Body):
    """An empty object: there is nothing to say."""


class MoreBudget(_Body):
    """What a goal may spend on top."""

    usd: Amount | None = None
    tokens: Annotated[int, Field(gt=0, le=10**12)] | None = None
    steps: Annotated[int, Field(gt=0, le=10**9)] | None = None
    seconds: Amount | None = None


class SignedYes(_Body):
    """An owner's yes as `autoclave` signs it on the owner's own machine."""

    subject: Line
    digest: Digest
    granted_by: Line
    granted_at: Moment
    expires_at: Moment
    nonce: Digest
    home: Line = ""
    key: Digest = ""
    signature: Digest = ""

    def to_approval(self) -> Approval:
        return Approval(**self.model_dump())


class GoalAnswer(_Body):
    """An answer to what a goal asks; a yes names the digest of what it is for."""

    yes: bool
    digest: Digest = ""
    reason: Text = ""
    approval: SignedYes | None = None


class Signed(_Body):
    """A signed yes."""

    approval: SignedYes


class Comments(_Body):
    """What has to change, each to be answered by the next draft."""

    comments: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=10_000)]],
        Field(min_length=1, max_length=100),
    ]


class Shown(_Body):
    """Who sees it."""

    to: Literal["person", "program"] = "program"


class Settled(_Body):
    """What its files are now."""

    as_applied: bool


class Note(_Body):
    """A word about a snapshot."""

    note: Text = ""


class SomeAction(_Body):
    """An action for the rules to judge; nothing is done."""

    kind: Line
    target: Text
    attributes: dict[str, JsonValue] = {}
    origins: Annotated[list[Line], Field(max_length=10)] = ["person"]
