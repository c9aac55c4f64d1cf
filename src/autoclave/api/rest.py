"""The REST application: routes, and errors as problem documents."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from .. import __version__
from ..domain.errors import AutoclaveError
from ..service.control import Control
from . import agent_routes, goal_routes, proposal_routes
from .asgi import to_bytes
from .problems import MEDIA, Problem, problem_of
from .shapes import PROBLEMS

_PREFIX = "/api/v1"
_ABOUT = """Steer an Autoclave from programs. Every request carries a token:
`Authorization: Bearer TOKEN`. Events as they happen: the WebSocket at `/api/v1/stream?after=ID`."""
_SAID = {404: ("not_found", "there is nothing at this address"), 405: ("not_that_way", "not so")}


def rest_app(control: Control, *, workspaces: tuple[Path, ...] = ()) -> FastAPI:
    app = FastAPI(
        title="Autoclave",
        version=__version__,
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,
    )
    app.state.control = control
    app.state.workspaces = workspaces
    for module in (goal_routes, proposal_routes, agent_routes):
        app.include_router(module.router, prefix=_PREFIX)
    app.add_exception_handler(AutoclaveError, _ours)
    app.add_exception_handler(Problem, _ours)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _theirs)
    app.add_exception_handler(Exception, _bug)
    return app


async def _ours(_: Request, error: Exception) -> Response:
    if isinstance(error, AutoclaveError):
        return _response(problem_of(error))
    if isinstance(error, Problem):
        return _response(error)
    raise error


async def _theirs(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, detail = _SAID.get(status, ("bad_request", "the request cannot be understood"))
    headers = getattr(error, "headers", None) or {}
    named = tuple((k.lower().encode(), v.encode()) for k, v in headers.items())
    return _response(Problem(status, code, detail, headers=named))


async def _not_valid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    wrong = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in found[:10]]
    return _response(Problem(422, "invalid_input", "; ".join(wrong)[:2000] or "not of that form"))


async def _bug(_: Request, error: Exception) -> Response:
    """Raised on, before anything is answered: the guard writes bugs down."""
    raise error


def _response(problem: Problem) -> Response:
    headers = {key.decode(): value.decode() for key, value in problem.headers}
    body = to_bytes(problem.to_json())
    return Response(body, status_code=problem.status, headers=headers, media_type=MEDIA)
