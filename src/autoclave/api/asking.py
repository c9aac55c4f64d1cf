"""What every REST operation is handed: the door, who asks, and what the settings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response
from fastapi.security import HTTPBearer

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from ..service.control import Control
from ..service.tokens import Role
from .asgi import SCHEMA_VERSION, to_bytes
from .callers import Caller

_BEARER = HTTPBearer(
    auto_error=False, scheme_name="token", description="Made by `autoclave token create`."
)
"""For the document alone: the guard has let the caller in before."""

Id = Annotated[str, PathParameter(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One request of somebody whose role is enough for it."""

    control: Control
    caller: Caller
    workspaces: tuple[Path, ...]
    """Folders below which an operator may have goals worked on."""

    @property
    def by(self) -> str:
        return self.caller.by


def _check_query(request: Request) -> None:
    """Raise InvalidInput for a parameter that there is none of: a misspelt one would mean "all"."""
    route = request.scope["route"]
    known = {each.alias for each in route.dependant.query_params}
    if unknown := sorted(set(request.query_params) - known):
        raise InvalidInput(
            f"there is no parameter {unknown[0][:80]!r} here",
            hint=f"there are: {', '.join(sorted(known)) or 'none'}",
        )


def _needs(role: Role) -> Callable[..., Asking]:
    def asking(request: Request, _: Annotated[Any, Depends(_BEARER)]) -> Asking:
        caller: Caller = request.state.caller
        caller.must(role)
        _check_query(request)
        state = request.app.state
        return Asking(control=state.control, caller=caller, workspaces=state.workspaces)

    asking.role = role  # type: ignore[attr-defined]  # a test reads which role each operation takes
    return asking


Viewer = Annotated[Asking, Depends(_needs(Role.VIEWER))]
Operator = Annotated[Asking, Depends(_needs(Role.OPERATOR))]
Approver = Annotated[Asking, Depends(_needs(Role.APPROVER))]


class Answer(Response):
    """A JSON object with the version of its schema."""

    media_type = "application/json"

    def render(self, content: JsonObject) -> bytes:
        return to_bytes({"schema_version": SCHEMA_VERSION, **content})
