"""The whole agent over HTTP: how it stands, what happened, what it knows."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from ..domain.canonical import JsonObject
from ..domain.knowledge import PatternKind
from ..domain.standing import PauseCode
from ..service.tokens import Role
from .asgi import to_bytes
from .asking import Answer, Id, Operator, Viewer
from .bodies import GoodReason, Note, Nothing, Reason, SomeAction
from .shapes import (
    ANY_OBJECT,
    EVENT,
    FLAG,
    STANDING,
    TEXT,
    TEXTS,
    WHOLE,
    Responses,
    answers,
    created,
    fields,
    listed,
    or_null,
)

router = APIRouter(tags=["agent"], default_response_class=Answer)

_STANDING = answers("Whether it works, or is paused and why.", **STANDING)
_LARGEST_ID = 2**53
_MEDIA = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "influx": "text/plain; charset=utf-8",
    "prom": "text/plain; version=0.0.4; charset=utf-8",
}
After = Annotated[int, Query(ge=-1, le=_LARGEST_ID, description="-1 for the newest ones.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
StreamName = Annotated[str, Query(pattern=r"^[A-Za-z0-9/_.-]{0,120}$")]
Question = Annotated[str, Query(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]


@router.get(
    "/status",
    responses=answers(
        "How things stand.",
        running=or_null(ANY_OBJECT),
        goals=ANY_OBJECT,
        proposals=ANY_OBJECT,
        needs_person=listed(fields(kind=TEXT, id=TEXT, what=TEXT)),
        pause=or_null(ANY_OBJECT),
        events=WHOLE,
    ),
)
async def status(asking: Viewer) -> Response:
    """What `autoclave status` prints."""
    return Answer(await asking.control.status())


@router.get("/agent", responses=_STANDING)
async def standing(asking: Viewer) -> Response:
    """Whether the agent works, or is paused and why."""
    return Answer(await asking.control.standing())


@router.post("/agent/pause", responses=_STANDING)
async def pause_agent(asking: Operator, body: Reason) -> Response:
    """Stop the whole agent at its next step."""
    return Answer(await asking.control.pause_agent(body.reason, by=asking.by))


@router.post("/agent/resume", responses=_STANDING)
async def resume_agent(asking: Operator, body: Reason) -> Response:
    """Let the agent go on; after an alarm that takes an approver, and a reason."""
    if (await asking.control.standing())["code"] == PauseCode.ESCALATED:
        asking.caller.must(Role.APPROVER, to="let the agent go on after an alarm")
    return Answer(await asking.control.resume_agent(body.reason, by=asking.by))


@router.get("/events", responses=answers("Events, oldest first.", events=listed(EVENT)))
async def events(
    asking: Viewer, after: After = -1, limit: Limit = 100, stream: StreamName = ""
) -> Response:
    """What happened after an event. As it happens: the WebSocket at /api/v1/stream."""
    return Answer({"events": await asking.control.history(after, limit, stream)})


@router.get("/incidents", responses=answers("The oldest first.", incidents=listed(EVENT)))
async def incidents(asking: Viewer) -> Response:
    """Everything that must not pass unseen."""
    return Answer({"incidents": await asking.control.audit_incidents()})


@router.get(
    "/capabilities", responses=answers("All of them.", capabilities=listed(fields(name=TEXT)))
)
async def list_capabilities(asking: Viewer) -> Response:
    """What it can do, and how well that works."""
    return Answer({"capabilities": await asking.control.list_capabilities()})


@router.get("/capabilities/{name}", responses=answers("One capability.", name=TEXT, version=TEXT))
async def show_capability(asking: Viewer, name: Id) -> Response:
    """What goes in, what comes out, what it needs."""
    return Answer(await asking.control.capability(name))


@router.post(
    "/capabilities/{name}/test",
    responses=answers("What they said.", name=TEXT, ok=FLAG, tests=ANY_OBJECT),
)
async def test_capability(asking: Operator, name: Id, body: Nothing) -> Response:
    """Run its examples and its tests, sealed."""
    return Answer(await asking.control.test_capability(name))


@router.get("/patterns", responses=answers("All of them.", patterns=listed(fields(id=TEXT))))
async def list_patterns(asking: Viewer, kind: PatternKind | None = None) -> Response:
    """What it has learned."""
    return Answer({"patterns": await asking.control.patterns(kind)})


@router.get("/patterns/{pattern}", responses=answers("One.", id=TEXT, kind=TEXT, state=TEXT))
async def show_pattern(asking: Viewer, pattern: Id) -> Response:
    """When it holds, what it says, where it was seen."""
    return Answer(await asking.control.pattern(pattern))


@router.post("/patterns/{pattern}/retire", responses=answers("It.", id=TEXT, state=TEXT))
async def retire_pattern(asking: Operator, pattern: Id, body: GoodReason) -> Response:
    """Do not use it any more."""
    return Answer(await asking.control.retire_pattern(pattern, body.reason, by=asking.by))


@router.get(
    "/research",
    responses=answers("What is known.", question=TEXT, answer=TEXT, passages=listed(ANY_OBJECT)),
)
async def research(asking: Viewer, question: Question) -> Response:
    """Passages that answer a question, each with its source."""
    return Answer(await asking.control.research(question))


@router.get("/checkpoints", responses=answers("All.", checkpoints=listed(fields(id=TEXT))))
async def list_checkpoints(asking: Viewer) -> Response:
    """Snapshots of everything."""
    return Answer({"checkpoints": await asking.control.list_checkpoints()})


@router.post("/checkpoints", status_code=201, responses=created("The snapshot.", id=TEXT))
async def create_checkpoint(asking: Operator, body: Note) -> Response:
    """Take a snapshot of everything."""
    return Answer(await asking.control.checkpoint_create(body.note), 201)


@router.get("/lineage", responses=answers("Newest first.", commits=listed(ANY_OBJECT)))
async def lineage(asking: Viewer) -> Response:
    """The agent's own history."""
    return Answer({"commits": await asking.control.lineage()})


@router.get("/owners", responses=answers("Who may approve.", home=TEXT, owners=listed(ANY_OBJECT)))
async def owners(asking: Viewer) -> Response:
    """Who owns this home, by their public keys."""
    return Answer(await asking.control.owners())


@router.post(
    "/explain",
    responses=answers("What the rules say.", verdict=TEXT, rules=TEXTS, explanation=TEXT),
)
async def explain(asking: Viewer, body: SomeAction) -> Response:
    """What the rules say about an action; nothing is done."""
    return Answer(await asking.control.explain(body.model_dump()))


def _exported(*forms: str) -> Responses:
    """Text in the media type of its form."""
    content: dict[str, JsonObject] = {
        media.partition(";")[0]: {"schema": TEXT}
        for media in (_MEDIA[form] for form in forms)
        if media != _MEDIA["json"]
    }
    content[_MEDIA["json"]] = {"schema": ANY_OBJECT}
    return {200: {"description": "The text.", "content": content}}


@router.get("/export/metrics", responses=_exported("json", "csv", "influx", "prom"))
async def export_metrics(
    asking: Viewer, form: Literal["json", "csv", "influx", "prom"] = "json"
) -> Response:
    """All metrics in one of the forms."""
    text = await asking.control.export("metrics", form)
    return Response(text.encode("utf-8", "replace"), media_type=_MEDIA[form])


@router.get("/export/events", responses=_exported("json", "csv", "influx"))
async def export_events(
    asking: Viewer, form: Literal["json", "csv", "influx"] = "json"
) -> Response:
    """All events in one of the forms."""
    text = await asking.control.export("events", form)
    return Response(text.encode("utf-8", "replace"), media_type=_MEDIA[form])


@router.get("/openapi.json", include_in_schema=False)
async def document(asking: Viewer, request: Request) -> Response:
    """This interface, as OpenAPI describes it."""
    return Response(to_bytes(request.app.openapi()), media_type="application/json")
