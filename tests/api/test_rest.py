"""Goals, agent and history over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from autoclave.service.tokens import Role

pytestmark = pytest.mark.slow

NEW = {"text": "show a.txt", "done": ["true"], "priority": 3, "budget_usd": 0.5}


async def test_a_goal_from_adding_to_its_end(place: Any) -> None:
    """Everything that a person can do with it, in order; each answer is the goal as it stands."""
    added = await place.post("/api/v1/goals", NEW, Role.OPERATOR)
    goal = added.json()["id"]
    assert (added.status_code, added.json()["budget"]["usd"]) == (201, 0.5)

    paused = await place.post(f"/api/v1/goals/{goal}/pause", {"reason": "lunch"}, Role.OPERATOR)
    resumed = await place.post(f"/api/v1/goals/{goal}/resume", {}, Role.OPERATOR)
    richer = await place.post(f"/api/v1/goals/{goal}/budget", {"usd": 1.0}, Role.OPERATOR)
    ended = await place.post(f"/api/v1/goals/{goal}/cancel", {"reason": "done"}, Role.OPERATOR)
    again = await place.post(f"/api/v1/goals/{goal}/retry", {}, Role.OPERATOR)

    said = [each.json()["status"] for each in (paused, resumed, ended, again)]
    assert said == ["paused", "queued", "cancelled", "queued"]
    assert richer.json()["budget"]["usd"] == 1.5
    listed = (await place.get("/api/v1/goals", params={"status": "queued"})).json()
    assert [each["id"] for each in listed["goals"]] == [goal]


WRONG = [
    ("/api/v1/goals/G-9999", 404, "not_found"),
    ("/api/v1/nothing", 404, "not_found"),
    ("/nothing", 404, "not_found"),
    ("/api/v1/goals?status=asleep", 422, "invalid_input"),
    ("/api/v1/events?after=-7", 422, "invalid_input"),
    ("/api/v1/events?limit=100000", 422, "invalid_input"),
    ("/api/v1/proposals/%00", 422, "invalid_input"),
    ("/api/v1/patterns/none", 404, "not_found"),
    ("/api/v1/capabilities/none", 404, "not_found"),
]


async def test_what_is_wrong_is_a_problem_document(place: Any) -> None:
    """With what, why and what next; never a trace of the program."""
    for path, status, code in WRONG:
        answer = await place.get(path)
        found = answer.json()
        assert (answer.status_code, found["code"], found["status"]) == (status, code, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert found["type"] == f"urn:autoclave:problem:{code}"
        assert "Traceback" not in answer.text


async def test_states_that_do_not_fit_are_conflicts(place: Any) -> None:
    """409, as the command line ends with 9."""
    goal = (await place.post("/api/v1/goals", NEW)).json()["id"]
    not_paused = await place.post(f"/api/v1/goals/{goal}/resume", {})
    no_question = await place.post(f"/api/v1/goals/{goal}/answer", {"yes": True, "digest": "00"})

    assert [not_paused.status_code, no_question.status_code] == [409, 409]
    assert {not_paused.json()["code"], no_question.json()["code"]} == {"conflict"}


async def test_the_wrong_method_is_said_so(place: Any) -> None:
    """Inside and outside of the REST side."""
    assert (await place.send("DELETE", "/api/v1/goals", Role.APPROVER)).status_code == 405
    assert (await place.send("POST", "/livez", Role.APPROVER)).status_code == 405


async def test_the_same_key_adds_one_goal(place: Any) -> None:
    """However often it is said, also at once; another goal under the key is a conflict."""
    key = {"idempotency-key": "7f3a"}
    answers = await asyncio.gather(
        *(place.post("/api/v1/goals", NEW, Role.OPERATOR, headers=key) for _ in range(4))
    )
    other = await place.post("/api/v1/goals", {"text": "other"}, Role.OPERATOR, headers=key)
    of_somebody_else = await place.post("/api/v1/goals", NEW, Role.APPROVER, headers=key)
    without = await place.post("/api/v1/goals", NEW, Role.OPERATOR)

    assert len({each.json()["id"] for each in answers}) == 1
    assert other.status_code == 409
    ids = {answers[0].json()["id"], of_somebody_else.json()["id"], without.json()["id"]}
    assert len(ids) == 3


@pytest.mark.slow
async def test_the_same_key_after_the_server_began_anew(home: Any, serve_home: Any) -> None:
    """The journal remembers it."""
    key = {"idempotency-key": "k"}
    async with serve_home(home) as place:
        first = (await place.post("/api/v1/goals", NEW, headers=key)).json()["id"]
        tokens = place.texts
    async with serve_home(home) as place:
        place.texts = tokens
        assert (await place.post("/api/v1/goals", NEW, headers=key)).json()["id"] == first


async def test_the_agent_is_paused_and_resumed(place: Any) -> None:
    """Status says it too."""
    await place.post("/api/v1/agent/pause", {"reason": "lunch"})
    assert (await place.get("/api/v1/status")).json()["pause"]["reason"] == "lunch"
    assert (await place.post("/api/v1/agent/resume", {})).json()["paused"] is False
    assert (await place.post("/api/v1/agent/resume", {})).status_code == 409


async def test_history_in_pages(place: Any) -> None:
    """After an event, so many, of a stream; and the newest ones."""
    for _ in range(5):
        await place.post("/api/v1/goals", NEW)
    first = (await place.get("/api/v1/events?after=0&limit=2")).json()["events"]
    rest = (await place.get(f"/api/v1/events?after={first[-1]['id']}")).json()["events"]
    newest = (await place.get("/api/v1/events?limit=2")).json()["events"]
    of_one = (await place.get("/api/v1/events?after=0&stream=goal/G-0002")).json()["events"]

    assert [each["id"] for each in first + rest] == [1, 2, 3, 4, 5]
    assert [each["id"] for each in newest] == [4, 5]
    assert [each["stream"] for each in of_one] == ["goal/G-0002"]


async def test_what_the_rules_say(place: Any) -> None:
    """Nothing is done; what is no action is said so."""
    body = {"kind": "network.request", "target": "evil.example"}
    said = await place.post("/api/v1/explain", body, Role.VIEWER)
    wrong = await place.post("/api/v1/explain", {"kind": "fly", "target": "x"}, Role.VIEWER)

    assert said.json()["verdict"] in ("ask", "deny")
    assert said.json()["explanation"]
    assert wrong.status_code == 422


async def test_exports_are_text_of_their_kind(place: Any) -> None:
    """Metrics and events, for other programs."""
    prom = await place.get("/api/v1/export/metrics?form=prom")
    events = await place.get("/api/v1/export/events?form=csv")

    assert "autoclave_goals" in prom.text
    assert events.headers["content-type"].startswith("text/csv")
    assert events.text.startswith("id,stream")


async def test_a_bug_is_written_down_and_not_shown(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer names the file; what is in it stays there."""

    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(place.control, "standing", broken)
    answer = await place.get("/api/v1/agent")

    assert (answer.status_code, answer.json()["code"]) == (500, "bug")
    assert "hunter2" not in answer.text
    (log,) = place.control.home.log.glob("api-bug-*")
    assert "hunter2" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


async def test_a_token_that_is_over_opens_nothing(place: Any) -> None:
    """Revoked, expired, never made, or of another scheme."""
    made = place.tokens.create("short", Role.VIEWER, by="person:t", lasts_seconds=-1)[1]
    before = (await place.get("/api/v1/goals")).status_code
    place.tokens.revoke("viewer")
    for text in (made, place.texts[Role.VIEWER], "autoclave_000000000000_" + "A" * 43, "x"):
        bad = await place.get("/api/v1/goals", None, headers={"authorization": f"Bearer {text}"})
        assert bad.status_code == 401
    basic = await place.get("/api/v1/goals", None, headers={"authorization": "Basic eDp5"})

    assert (before, basic.status_code) == (200, 401)


async def test_ready_says_what_is_missing(place: Any) -> None:
    """Without a loop it is alive and not ready."""
    from autoclave.api.probes import Probes

    probes = Probes(place.control, is_working=lambda: False)

    assert await probes.ready() == {"ready": False, "missing": ["the loop does not run"]}
    assert (await place.get("/readyz", None)).json() == {
        "schema_version": 1,
        "ready": True,
        "missing": [],
    }
