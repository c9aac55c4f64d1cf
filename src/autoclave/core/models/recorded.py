"""Recording what a model answers on a cassette, and replaying it exactly."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

from ...domain.canonical import JsonObject, canonical
from ...domain.errors import ConfigurationInvalid, InvalidInput, ModelUnavailable, OutOfResources
from ...domain.model import Hear, ModelAnswer, ModelEvent, ModelRequest, Quota
from ...domain.ports import LanguageModel
from ..redaction import Redaction, secrets_of
from .cassette import Label, Recording, append, begin, first_difference, parts_of, read_cassette

_EACH_RUN = re.compile(r"(</?(?:data|person)-)[0-9a-f]{12}|(\\nseconds: )[0-9.]+")
"""What is another in each run and makes no other question of it: the tag around what is only
data, and how long a tool took."""


class Recorder:
    """Port LanguageModel around another one: what that one answers is on the cassette first.

    Secrets are not: their kind stands in their place. A call that fails is not recorded. A file
    that is there already is gone on with.
    """

    def __init__(
        self, model: LanguageModel, file: Path, *, redaction: Redaction | None = None
    ) -> None:
        self.name, self.limits = model.name, model.limits
        self.inner, self._file = model, file
        self._redaction = redaction or _redaction()
        self._calls: int | None = None

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        return self.inner.price(request, read=read)

    async def count(self, request: ModelRequest) -> int | None:
        """Not asked for: nobody could count when it is replayed."""
        return None

    def quota(self) -> Quota:
        return self.inner.quota()

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        call = self._next_call()
        most_usd = self.price(request)
        answer = await self.inner.complete(request, hear=hear)
        recording = Recording(
            call=call,
            parts=_asked(request, self._redaction),
            most_usd=most_usd,
            answer=ModelAnswer.from_json(_clean(answer.to_json(), self._redaction)),
        )
        try:
            await asyncio.to_thread(append, self._file, recording)
        except OutOfResources as full:
            # The answer is lost, but not that it was paid.
            raise ModelUnavailable(full.message, hint=full.hint, usd=answer.usd) from full
        return answer

    async def aclose(self) -> None:
        close = getattr(self.inner, "aclose", None)
        if close is not None:
            await close()

    def _next_call(self) -> int:
        """Before anything is asked: what can't be recorded is not paid."""
        if self._calls is None:
            self._calls = begin(self._file, Label(model=self.name, limits=self.limits))
        self._calls += 1
        return self._calls


class Recorded:
    """Port LanguageModel that plays a cassette: the same questions, the same answers, no other.

    It has the name, the limits and the prices of the model that was recorded, so that everything
    that looks at these decides as it did then; nothing is paid.
    """

    def __init__(self, file: Path, *, redaction: Redaction | None = None) -> None:
        label, recordings = read_cassette(file)
        self.name, self.limits = label.model, label.limits
        self._file = file
        self._left = list(recordings)
        self._redaction = redaction or _redaction()

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        """The next answer. Raises ConfigurationInvalid for another question than the recorded one.

        That sets a goal aside: it is not the question that has to be mended.
        """
        if not self._left:
            raise ConfigurationInvalid(
                f"the cassette {self._file} has no more answers", hint="record it again"
            )
        following, asked = self._left[0], self._parts(request)
        if difference := first_difference(following.parts, asked):
            raise ConfigurationInvalid(
                f"call {following.call} of the cassette {self._file} was another one: {difference} "
                f"(now asked to {request.purpose})",
                hint="find what differs from run to run, or record it again",
            )
        del self._left[0]
        if hear and following.answer.text:
            hear(ModelEvent(kind="text", text=following.answer.text))
        return following.answer

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        """As it was priced when it was recorded; a question that is not there costs nothing."""
        asked = self._parts(request)
        return next((each.most_usd for each in self._left if each.parts == asked), 0.0)

    async def count(self, request: ModelRequest) -> int | None:
        return None

    def quota(self) -> Quota:
        return Quota()

    def check(self) -> None:
        """Raise InvalidInput when there are answers that nobody asked for."""
        if self._left:
            following = self._left[0]
            raise InvalidInput(
                f"{len(self._left)} answers of the cassette {self._file} were not asked for; the "
                f"next one is call {following.call}, to {following.parts.get('purpose', '?')}"
            )

    async def aclose(self) -> None:
        return

    def _parts(self, request: ModelRequest) -> JsonObject:
        return _asked(request, self._redaction)


def _asked(request: ModelRequest, redaction: Redaction) -> JsonObject:
    """The request as it is compared: without secrets, and without what each run has of its own."""
    text = canonical(_clean(request.to_json(), redaction))
    asked: JsonObject = json.loads(_EACH_RUN.sub(r"\1\2…", text))
    return parts_of(asked)


def _redaction() -> Redaction:
    return Redaction(secrets.token_bytes(16), known=secrets_of(os.environ))


def _clean(value: JsonObject, redaction: Redaction) -> JsonObject:
    """The value with the kind of each secret in its place: the same wherever it is replayed."""
    if not redaction.suspects(canonical(value)):
        return value
    concealed, minted = redaction.conceal(value)
    text = canonical(concealed)
    for mark in minted:
        text = text.replace(mark, mark.rpartition(":")[0] + ">")
    cleaned: Any = json.loads(text)
    return cleaned  # type: ignore[no-any-return]
