"""Who may do what: every operation, for every role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from autoclave.api import agent_routes, goal_routes, proposal_routes
from autoclave.service.tokens import Role

OPERATIONS = {
    Role.VIEWER: {
        "GET /goals",
        "GET /goals/{goal}",
        "GET /goals/{goal}/sheet",
        "GET /proposals",
        "GET /proposals/{proposal}",
        "POST /proposals/{proposal}/shown",
        "GET /proposals/{proposal}/sheet",
        "GET /proposals/{proposal}/redo-sheet",
        "GET /status",
        "GET /agent",
        "GET /events",
        "GET /incidents",
        "GET /capabilities",
        "GET /capabilities/{name}",
        "GET /patterns",
        "GET /patterns/{pattern}",
        "GET /research",
        "GET /checkpoints",
        "GET /lineage",
        "GET /owners",
        "POST /explain",
        "GET /export/metrics",
        "GET /export/events",
        "GET /openapi.json",
    },
    Role.OPERATOR: {
        "POST /goals",
        "POST /goals/preview",
        "POST /goals/{goal}/pause",
        "POST /goals/{goal}/resume",
        "POST /goals/{goal}/cancel",
        "POST /goals/{goal}/retry",
        "POST /goals/{goal}/budget",
        "POST /goals/{goal}/answer",
        "POST /agent/pause",
        "POST /agent/resume",
        "POST /capabilities/{name}/test",
        "POST /patterns/{pattern}/retire",
        "POST /checkpoints",
    },
    Role.APPROVER: {
        "POST /proposals/{proposal}/approve",
        "POST /proposals/{proposal}/reject",
        "POST /proposals/{proposal}/return",
        "POST /proposals/{proposal}/undo",
        "POST /proposals/{proposal}/redo",
        "POST /proposals/{proposal}/settle",
    },
}
"""The whole contract: a new operation is written down here, or this fails."""

BODIES = {
    "approve": {
        "approval": {
            "subject": "P-1",
            "digest": "00",
            "granted_by": "person:x",
            "granted_at": 1,
            "expires_at": 2,
            "nonce": "00",
        }
    },
    "reject": {"reason": "no"},
    "return": {"comments": ["no"]},
    "settle": {"as_applied": True},
    "retire": {"reason": "no"},
    "answer": {"yes": False},
    "budget": {"steps": 1},
    "explain": {"kind": "goal.add", "target": "x"},
    "goals": {"text": "show a.txt"},
    "preview": {"text": "show a.txt"},
}
BODIES["redo"] = BODIES["approve"]


def _routes() -> Iterator[tuple[str, Role]]:
    for module in (goal_routes, proposal_routes, agent_routes):
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            roles = [
                role
                for each in route.dependant.dependencies
                if (role := getattr(each.call, "role", None))
            ]
            assert len(roles) == 1, f"{route.path} does not say who may"
            for method in route.methods or ():
                yield f"{method} {route.path}", roles[0]


def test_every_operation_says_who_may() -> None:
    """And it is what is written down here."""
    found: dict[Role, set[str]] = {role: set() for role in Role}
    for name, role in _routes():
        found[role].add(name)

    assert found == OPERATIONS


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_a_role_stops_where_the_next_one_begins(place: Any, role: Role) -> None:
    """What takes more is refused with what it takes, and nothing is written down."""
    before = await place.control.newest_event()
    too_much = {
        name for needed, names in OPERATIONS.items() if not role.covers(needed) for name in names
    }
    for operation in sorted(too_much):
        method, path = operation.split()
        path = path.replace("{goal}", "G-1").replace("{proposal}", "P-1")
        path = f"/api/v1{path.replace('{name}', 'x').replace('{pattern}', 'x')}"
        body = BODIES.get(path.rpartition("/")[2], {})
        answer = await place.send(method, path, role, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), operation
        assert "role" in answer.json()["detail"]

    assert await place.control.newest_event() == before


@pytest.mark.slow
@pytest.mark.parametrize("role", list(Role))
async def test_a_role_gets_through_to_what_it_may(place: Any, role: Role) -> None:
    """The door itself answers then: never the guard, never a bug."""
    for needed, names in OPERATIONS.items():
        for operation in sorted(names - {"POST /goals/preview", "POST /checkpoints"}):
            if not role.covers(needed):
                continue
            method, path = operation.split()
            path = path.replace("{goal}", "G-1").replace("{proposal}", "P-1")
            path = f"/api/v1{path.replace('{name}', 'x').replace('{pattern}', 'x')}"
            body = BODIES.get(path.rpartition("/")[2], {}) if method == "POST" else None
            params = {"question": "what?"} if path.endswith("research") else None
            answer = await place.send(method, path, role, json=body, params=params)
            assert answer.status_code in (200, 201, 404, 409), (operation, answer.text)


async def test_leave_beforehand_takes_an_approver(place: Any, tmp_path: Any) -> None:
    """So does a workspace that nobody named in the settings: a goal can read what is in it."""
    leave = {"text": "copy a to b", "allow_up_to": "R1"}
    folder = {"text": "show a.txt", "workspace": str(tmp_path)}

    for body in (leave, folder):
        assert (await place.post("/api/v1/goals", body, Role.OPERATOR)).status_code == 403
        assert (await place.post("/api/v1/goals", body, Role.APPROVER)).status_code == 201


async def test_operators_work_below_the_folders_of_the_settings(
    home: Any, serve_home: Any, tmp_path: Any
) -> None:
    """And not beside them, by whatever way."""
    (tmp_path / "ours" / "a").mkdir(parents=True)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours" / "link").symlink_to(tmp_path / "theirs")
    said = {"a": 201, "link": 403, "../theirs": 403, ".": 201}
    async with serve_home(home, workspaces=(tmp_path / "ours",)) as place:
        for name, status in said.items():
            body = {"text": "show x", "workspace": f"{tmp_path}/ours/{name}"}
            answer = await place.post("/api/v1/goals", body, Role.OPERATOR)
            assert answer.status_code == status, name


async def test_who_did_it_is_written_down(place: Any) -> None:
    """By the token, whatever else a request says."""
    await place.post("/api/v1/agent/pause", {"reason": "lunch"}, Role.OPERATOR)
    events = (await place.get("/api/v1/events")).json()["events"]

    assert (events[-1]["kind"], events[-1]["actor"]) == ("AgentPaused", "person:operator@api")


async def test_after_an_alarm_only_an_approver_lets_it_go_on(place: Any) -> None:
    """An operator may stop everything, and not say that an alarm was none."""
    from autoclave.core.escalating import escalate

    await escalate(place.control._parts, "a canary was touched")
    body = {"reason": "I looked"}

    assert (await place.post("/api/v1/agent/resume", body, Role.OPERATOR)).status_code == 403
    resumed = await place.post("/api/v1/agent/resume", body, Role.APPROVER)
    assert not resumed.json()["paused"]
