"""A language model that plays given answers: for tests, dry runs and demos."""

from __future__ import annotations

from ..domain.errors import ModelUnavailable
from ..domain.model import Hear, ModelAnswer, ModelLimits, ModelRequest, Quota, StopReason, Tokens


class ScriptedModel:
    """Port LanguageModel: each call takes the next answer; none left is an error.

    An answer is a text, or a whole ModelAnswer for tool calls, refusals and the like.
    """

    name = "scripted"

    def __init__(
        self,
        *answers: str | ModelAnswer,
        usd: float = 0.0,
        limits: ModelLimits | None = None,
    ) -> None:
        self._answers = list(answers)
        self._usd = usd
        self.limits = limits or ModelLimits()
        self.requests: list[ModelRequest] = []
        """What was asked, oldest first."""

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        if not self._answers:
            raise ModelUnavailable("the script has no more answers", hint="add one")
        self.requests.append(request)
        answer = self._answers.pop(0)
        return answer if isinstance(answer, ModelAnswer) else self._said(answer)

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        return self._usd

    async def count(self, request: ModelRequest) -> int | None:
        return None

    def quota(self) -> Quota:
        return Quota()

    def _said(self, text: str) -> ModelAnswer:
        return ModelAnswer(
            blocks=({"type": "text", "text": text},),
            stop=StopReason.END_TURN,
            tokens=Tokens(output=len(text.split())),
            usd=self._usd,
            model=self.name,
        )
