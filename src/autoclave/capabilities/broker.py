"""Between a running capability and the broker: what the manifest does not admit ends here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import assert_never

from ..domain.broker import (
    MOST_ANSWER,
    Call,
    ModelCall,
    NetworkCall,
    RecallCall,
    kind_of,
    parse_call,
    refused,
    told,
)
from ..domain.canonical import JsonObject, canonical
from ..domain.capability import Manifest, Needs
from ..domain.errors import InvalidInput, NotAllowed, NotFound
from ..domain.ports import Broker


class Desk:
    """Takes the calls of one run; `answer` is what the sandbox is given."""

    def __init__(self, manifest: Manifest, broker: Broker) -> None:
        self._manifest = manifest
        self._broker = broker

    async def answer(self, data: bytes) -> bytes:
        """A call in, its answer out. What the broker raises ends the run."""
        try:
            call = parse_call(data)
            _check_declared(self._manifest, call)
        except (InvalidInput, NotAllowed) as error:
            return _packed(refused(error))
        return _packed(await self._broker.answer(call))


class Recorded:
    """A Broker that knows the answers of an example, to exactly those calls in that order."""

    def __init__(self, answers: Sequence[JsonObject]) -> None:
        self._left = list(answers)

    async def answer(self, call: Call) -> JsonObject:
        if not self._left or _call_of(self._left[0]) != call:
            return refused(NotFound(f"the example brings no answer to this {kind_of(call)}"))
        return told(self._left.pop(0)["answer"])


def is_declared(needs: Needs, call: Call) -> bool:
    """Whether a capability with these needs may ask for this at all."""
    match call:
        case RecallCall():
            return needs.knowledge
        case ModelCall():
            return needs.model
        case NetworkCall():
            return needs.reaches(call.place.host) and _secret_is_declared(needs, call)
    assert_never(call)


def _check_declared(manifest: Manifest, call: Call) -> None:
    if is_declared(manifest.needs, call):
        return
    what = str(kind_of(call))
    if isinstance(call, NetworkCall):
        what += f" to {call.place.host}" + (f" with {call.secret}" if call.secret else "")
    raise NotAllowed(f"{manifest.name} does not declare {what} among its needs")


def _secret_is_declared(needs: Needs, call: NetworkCall) -> bool:
    if not call.secret:
        return True
    declared = {each.name: each for each in needs.secrets}.get(call.secret)
    if declared is None or declared.host != call.place.host:
        return False
    return declared.header.lower() not in {name.lower() for name in call.headers}


def _call_of(answer: JsonObject) -> Call:
    return parse_call(canonical(answer["call"]).encode("utf-8"))


def _packed(said: JsonObject) -> bytes:
    data = json.dumps(said, allow_nan=False).encode()
    if len(data) <= MOST_ANSWER:
        return data
    error = InvalidInput(f"the answer has {len(data):,} bytes; the most is {MOST_ANSWER:,}")
    return json.dumps(refused(error)).encode()
