"""Errors as problem documents (RFC 9457): one table from our errors to status codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..domain import errors
from ..domain.canonical import JsonObject
from ..service.problems import code_of
from .asgi import SCHEMA_VERSION, Header, Send, respond, to_bytes

MEDIA = "application/problem+json"

STATUS: Mapping[type[errors.AutoclaveError], int] = MappingProxyType(
    {
        errors.AutoclaveError: 500,
        errors.Transient: 503,
        errors.Refused: 409,
        errors.InvalidInput: 422,
        errors.NotFound: 404,
        errors.Conflict: 409,
        errors.NotAllowed: 403,
        errors.NeedsPerson: 409,
        errors.BudgetSpent: 409,
        errors.ModelUnusable: 503,
        errors.NotServed: 409,
        errors.NotRunning: 503,
        errors.Fatal: 503,
        errors.CredentialMissing: 403,
        errors.Fenced: 409,
    }
)
"""The nearest ancestor counts, as it does for exit codes."""

_TITLES: Mapping[int, str] = MappingProxyType(
    {
        400: "Bad request",
        401: "Who are you?",
        403: "Not allowed",
        404: "Not found",
        405: "Not that way",
        408: "Too slow",
        409: "Not as things stand",
        413: "Too large",
        415: "Not JSON",
        422: "Not of the right form",
        429: "Too often",
        500: "A bug",
        503: "Not now",
    }
)


class Problem(Exception):
    """Something that only exists between a client and this server."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        hint: str = "",
        headers: tuple[Header, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
        self.headers = headers

    def to_json(self) -> JsonObject:
        return {
            "schema_version": SCHEMA_VERSION,
            "type": f"urn:autoclave:problem:{self.code}",
            "title": _TITLES.get(self.status, "Problem"),
            "status": self.status,
            "detail": self.detail,
            "hint": self.hint,
            "code": self.code,
        }

    async def send(self, send: Send, *, kind: str = "http") -> None:
        body = to_bytes(self.to_json())
        await respond(send, self.status, body, media=MEDIA, headers=self.headers, kind=kind)


def problem_of(error: errors.AutoclaveError) -> Problem:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers: tuple[Header, ...] = ((b"retry-after", b"5"),) if status == 503 else ()
    return Problem(status, code_of(error), error.message, hint=error.hint, headers=headers)


def unauthenticated(detail: str) -> Problem:
    return Problem(
        401,
        "credential_missing",
        detail,
        hint="autoclave token create NAME --role viewer, then: Authorization: Bearer TOKEN",
        headers=((b"www-authenticate", b'Bearer realm="autoclave"'),),
    )


def too_often(seconds: float) -> Problem:
    wait = str(max(1, round(seconds + 0.5)))
    return Problem(
        429,
        "busy",
        f"too many requests; the next one is taken in {wait} s",
        headers=((b"retry-after", wait.encode()),),
    )
