"""What a page in somebody's browser can try against a server on loopback, and cannot do."""

from __future__ import annotations

from typing import Any

from autoclave.service.tokens import Role

NEW = {"text": "show a.txt"}
EVIL = "https://evil.example"


FOREIGN: list[dict[str, str]] = [
    {"origin": EVIL},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"host": "evil.example"},
    {"host": "evil.example:8321"},
    {"host": "127.0.0.1.evil.example"},
    {"host": "localhost@evil.example"},
    {"host": ""},
]


async def test_another_site_gets_nothing_even_with_a_token(place: Any) -> None:
    """A foreign page, and a name that was rebound to this address, are refused everywhere."""
    for headers in FOREIGN:
        for path in ("/livez", "/metrics", "/readyz?verbose", "/api/v1/goals"):
            answer = await place.get(path, headers=headers)
            assert answer.status_code == 403, (path, headers)
            assert answer.json()["code"] in ("foreign_origin", "foreign_host")
            assert "access-control-allow-origin" not in answer.headers


async def test_a_form_cannot_add_a_goal(place: Any) -> None:
    """What a page may send without asking first is not JSON; and it has no token."""
    for media in ("text/plain", "application/x-www-form-urlencoded", ""):
        said = {"content": '{"text": "x"}'}
        form = {"content-type": media}
        known = {**form, **place[Role.OPERATOR]}
        without = await place.client.post("/api/v1/goals", **said, headers=form)
        with_token = await place.client.post("/api/v1/goals", **said, headers=known)
        assert (without.status_code, with_token.status_code) == (401, 415)

    assert (await place.get("/api/v1/goals")).json()["goals"] == []


async def test_nothing_but_probes_is_open(place: Any) -> None:
    """Without a token there are the probes and the metrics, on this machine."""
    opened = [await place.get(path, None) for path in ("/livez", "/readyz", "/metrics")]
    closed = [
        await place.get(f"/api/v1/{path}", None)
        for path in ("status", "goals", "events", "openapi.json", "nothing")
    ]
    closed += [await place.post("/api/v1/goals", NEW, None)]

    assert [each.status_code for each in opened] == [200, 200, 200]
    assert {each.status_code for each in closed} == {401}
    assert closed[0].headers["www-authenticate"].startswith("Bearer")


async def test_what_was_passed_on_is_not_from_here(place: Any) -> None:
    """Behind a proxy on the same machine everybody would look like this machine."""
    for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via"):
        answer = await place.get("/metrics", None, headers={name: "203.0.113.9"})
        assert answer.status_code == 401
    assert (await place.get("/livez", None, headers={"via": "1.1 p"})).status_code == 200


async def test_asking_before_is_answered_without_leave(place: Any) -> None:
    """A preflight gets no word that allows anything."""
    headers = {"origin": EVIL, "access-control-request-method": "POST"}
    answer = await place.send("OPTIONS", "/api/v1/goals", None, headers=headers)

    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_an_own_page_is_no_stranger(place: Any) -> None:
    """The same origin, or what a person typed."""
    own = await place.get("/api/v1/goals", headers={"origin": place.url})
    typed = await place.get("/livez", None, headers={"sec-fetch-site": "none"})

    assert (own.status_code, typed.status_code) == (200, 200)


async def test_every_answer_keeps_browsers_in_bounds(place: Any) -> None:
    """Good answers and problems alike."""
    for path in ("/livez", "/api/v1/goals", "/nothing", "/api/v1/goals/G-9"):
        answer = await place.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


async def test_metrics_can_be_closed_too(home: Any, serve_home: Any) -> None:
    """By a setting; a viewer's token opens them."""
    async with serve_home(home, metrics_need_token=True) as place:
        assert (await place.get("/metrics", None)).status_code == 401
        assert "autoclave_events_total" in (await place.get("/metrics")).text


async def test_a_name_of_ones_own_is_known(home: Any, serve_home: Any) -> None:
    """The setting names it; others stay unknown."""
    async with serve_home(home, names=frozenset({"agent.example"})) as place:
        known = await place.get("/livez", None, headers={"host": "agent.example"})
        unknown = await place.get("/livez", None, headers={"host": "other.example"})

    assert (known.status_code, unknown.status_code) == (200, 403)
