"""One request of a capability: its secret goes in here, and every further hop is judged."""

from __future__ import annotations

import base64
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from ..domain.broker import MOST_ANSWER, NetworkCall, Place
from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, NotAllowed, NotFound
from ..domain.fetch import FetchRequest, FetchResponse
from ..domain.risk import Action, ActionKind, Ruling, Verdict
from ..domain.run import Run
from .broker_actions import Step, network_action
from .parts import Parts
from .secrets import Secret

MOST_BODY = 11 * MOST_ANSWER // 16
"""With base64 around it and headers beside it, this fits into an answer."""
_LONGEST_SECONDS = 30.0
_MOST_SHOWN = 20_000


class Asks(Exception):
    """A page points on to where a person has to agree first."""

    def __init__(self, action: Action, place: Place) -> None:
        super().__init__(place.url)
        self.action = action
        self.question = f"The page points on to {place.url}. May it be followed?"
        self.at = _name_of(place.url)


class Request:
    """One call on its way out."""

    def __init__(self, parts: Parts, step: Step, call: NetworkCall, *, shown_url: str) -> None:
        """Raises NotFound or NotAllowed when its secret is missing or is for another place."""
        self._parts = parts
        self._step = step
        self._call = call
        self._shown_url = shown_url
        self._secret = self._secret_of(call)
        self.passed: set[str] = set()
        """The names of the places that a person let it be sent on to."""

    @property
    def question(self) -> str:
        with_secret = f" with your secret {self._call.secret}" if self._call.secret else ""
        name = self._step.manifest.name
        return f"May {name} send {self._call.method} {self._shown_url}{with_secret}?"

    @property
    def details(self) -> str:
        """What goes along, for the person who is asked."""
        lines = [f"{name}: {value}" for name, value in sorted(self._call.headers.items())]
        body = self._call.data[:_MOST_SHOWN].decode("utf-8", "backslashreplace")
        more = len(self._call.data) - _MOST_SHOWN
        cut = [f"… {more:,} more bytes"] if more > 0 else []
        return "\n".join([*lines, *([body] if body else []), *cut])

    def built(self) -> FetchRequest:
        """The request itself, with its secret: for the fetcher and for nobody else."""
        headers = {name: str(value) for name, value in self._call.headers.items()}
        if self._secret is not None:
            headers[self._secret.header] = self._secret.line
        return FetchRequest(
            method=self._call.method,
            url=self._call.place.url,
            headers=headers,
            body=self._call.data,
            most_bytes=MOST_BODY,
            seconds=min(_LONGEST_SECONDS, self._step.manifest.limits.wall_seconds),
        )

    def judging(self, run: Run) -> Callable[[str, str], None]:
        """What the fetcher asks before each hop: the first was judged, the others are now."""
        first = self._call.place
        ruling = self._parts.gate.judge(self._action(run, first))

        def allow(url: str, address: str) -> None:
            place = Place.of(url)
            if (place.scheme, place.host, place.port) != (first.scheme, first.host, first.port):
                self._judge_hop(run, place, ruling)

        return allow

    def said(self, response: FetchResponse) -> JsonObject:
        """What the capability is told, without the secret."""
        body = base64.b64encode(self._mask(response.body)).decode("ascii")
        rest = {"status": response.status, "url": response.url, "headers": response.headers}
        return {**self._masked(rest), "body": body}

    def masked(self, error: AutoclaveError) -> AutoclaveError:
        """The error, without the secret in its words."""
        error.message = self._masked(error.message)
        return error

    def _judge_hop(self, run: Run, place: Place, first: Ruling) -> None:
        where = f"{self._call.place.host} points on to {place.host}"
        if self._secret is not None:
            raise NotAllowed(f"{where}, and a request with a secret is not sent on")
        if not self._step.manifest.needs.reaches(place.host):
            raise NotAllowed(f"{where}, which {self._step.manifest.name} does not declare")
        action = self._action(run, place)
        ruling = self._parts.gate.judge(action)
        if ruling.verdict is Verdict.DENY:
            kind = ActionKind.NETWORK_REQUEST
            raise NotAllowed(f"{where}: {ruling.reason}", rules=ruling.rules, denied=kind)
        if ruling.verdict is Verdict.ASK and not self._is_covered(place, ruling, first):
            raise Asks(action, place)

    def _is_covered(self, place: Place, ruling: Ruling, first: Ruling) -> bool:
        """Whether the yes to the first page was for the same reasons, or this one had its own."""
        if _name_of(place.url) in self.passed:
            return True
        same = set(ruling.rules) <= set(first.rules) and ruling.risk <= first.risk
        return first.verdict is Verdict.ASK and same

    def _action(self, run: Run, place: Place) -> Action:
        return network_action(run, self._step, self._call, url=self._shown_url, place=place)

    def _secret_of(self, call: NetworkCall) -> Secret | None:
        if not call.secret:
            return None
        store = self._parts.secrets
        if store is None:
            raise NotFound(f"no secrets are kept here, so there is no {call.secret}")
        need = next(each for each in self._step.manifest.needs.secrets if each.name == call.secret)
        return store.for_request(need.name, host=call.place.host, header=need.header)

    def _mask(self, data: bytes) -> bytes:
        return data if self._secret is None else self._secret.mask(data)

    def _masked(self, value: Any) -> Any:
        """The same for every text in a value."""
        if isinstance(value, str):
            return self._mask(value.encode("utf-8", "replace")).decode("utf-8")
        if isinstance(value, dict):
            return {self._masked(key): self._masked(each) for key, each in value.items()}
        return value


def _name_of(url: str) -> str:
    return sha256(url.encode()).hexdigest()[:12]
