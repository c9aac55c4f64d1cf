"""A language model that plays given answers: for tests, dry runs and demos."""

from __future__ import annotations

from ..domain.canonical import JsonObject
from ..domain.errors import ModelUnavailable


class ScriptedModel:
    """Port LanguageModel: each call takes the next answer; none left is an error."""

    name = "scripted"

    def __init__(self, *answers: str, usd: float = 0.0) -> None:
        self._answers = list(answers)
        self._usd = usd
        self.requests: list[JsonObject] = []
        """What was asked, oldest first."""

    async def complete(self, request: JsonObject) -> JsonObject:
        if not self._answers:
            raise ModelUnavailable("the script has no more answers", hint="add one")
        self.requests.append(request)
        text = self._answers.pop(0)
        return {"text": text, "tokens": len(text.split()), "usd": self._usd}

    def price(self, request: JsonObject) -> float:
        return self._usd
