"""A page for the mind: who named it, where it leads, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.fakes import FakeToolbox, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.driver import Driver
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import NotAllowed, Unreachable
from autoclave.domain.events import EventKind
from autoclave.domain.fetch import FetchRequest, FetchResponse
from autoclave.domain.run import Run, RunStatus
from autoclave.governance.gate import PolicyGate
from autoclave.governance.safety_rules import SafetyRules
from autoclave.service.history import summarise

URL = "https://docs.python.org/3/json.html"
RULES = Path(__file__).parents[2] / "safety_rules.yaml"


class FakeFetcher:
    """Port Fetcher over prepared hops: every hop is judged, the last one answers."""

    def __init__(self, *hops: str, status: int = 200, fails: BaseException | None = None) -> None:
        self.hops = hops
        self.status = status
        self.fails = fails
        self.asked: list[str] = []

    async def fetch(
        self, request: FetchRequest, *, allow: Callable[[str, str], None]
    ) -> FetchResponse:
        self.asked.append(request.url)
        hops = (request.url, *self.hops)
        for hop in hops:
            allow(hop, "")
            allow(hop, "1.1.1.1")
        if self.fails:
            raise self.fails
        return FetchResponse(
            status=self.status,
            url=hops[-1],
            headers={},
            body=b"what it says",
            address="1.1.1.1",
            redirects=hops[:-1],
        )


def read_page(response: FetchResponse) -> JsonObject:
    return {"title": "t", "text": response.body.decode(), "links": [], "is_cut": False}


def asks_for(url: str) -> Callable[[Any], JsonObject]:
    def decide(view: Any) -> JsonObject:
        if view["replies"]:
            return {"path": [], "intent": {"kind": "GiveUp", "reason": "read it"}}
        path = [] if view["run"]["state"] == "PLANNING" else ["PLANNING"]
        return {"path": path, "intent": {"kind": "Fetch", "url": url}}

    return decide


def opened(folder: Path, fetcher: FakeFetcher | None, url: str = URL, **parts: Any) -> Loop:
    gate = PolicyGate(SafetyRules.load(RULES))
    loop = open_loop(folder, FakeToolbox(), gate=cast(Any, gate), decide=asks_for(url))
    hands = {"fetcher": fetcher, "read_page": read_page, **parts}
    return replace(loop, parts=replace(loop.parts, **hands))


async def run_goal(loop: Loop, text: str = f"summarise {URL}") -> Run:
    return await Driver(loop.parts).drive(await loop.add(text))


def said(run: Run) -> JsonObject:
    (reply,) = run.replies
    result: JsonObject = reply["result"]
    return result


async def test_a_page_that_the_goal_names(fast_tmp_path: Path) -> None:
    """It is read without a question, and what it says is labelled as the web's."""
    fetcher = FakeFetcher()
    loop = opened(fast_tmp_path, fetcher)

    run = await run_goal(loop)

    value = said(run)["value"]
    assert (value["text"], value["url"], value["origin"]) == ("what it says", URL, "web")
    assert said(run)["labels"]["value"] == {"origin": "web", "trusted": False, "source": ""}
    assert run.read_untrusted
    assert fetcher.asked == [URL]
    loop.close()


async def test_the_history_names_the_page(fast_tmp_path: Path) -> None:
    """The one that answered, and the one that was asked for."""
    loop = opened(fast_tmp_path, FakeFetcher("https://www.python.org/json"))

    run = await run_goal(loop)

    events = await loop.parts.ledger.events(run.stream)
    line = next(summarise(each) for each in events if each.kind is EventKind.RESULT_RECORDED)
    assert line == f"read https://www.python.org/json (12 characters, by way of {URL})"
    loop.close()


@pytest.mark.parametrize("goal", ["what is json?", "look at https://docs.python.org/3/", f"{URL}x"])
async def test_a_page_that_no_person_named(fast_tmp_path: Path, goal: str) -> None:
    """The question says whose word it is; nothing is asked of anybody before the yes."""
    fetcher = FakeFetcher()
    loop = opened(fast_tmp_path, fetcher)
    run = await run_goal(loop, goal)
    assert run.status is RunStatus.AWAITING_HUMAN
    assert fetcher.asked == []
    assert f"url {URL!r} comes from a model".replace("'", '"') in (run.question or {})["question"]

    await Person().answer(loop.parts, run, yes=True)
    run = await Driver(loop.parts).drive(run.id)

    assert said(run)["ok"]
    assert fetcher.asked == [URL]
    loop.close()


async def test_a_no_is_a_result(fast_tmp_path: Path) -> None:
    """The mind hears it and goes on without the page."""
    fetcher = FakeFetcher()
    loop = opened(fast_tmp_path, fetcher)
    run = await run_goal(loop, "what is json?")

    await Person().answer(loop.parts, run, yes=False)
    run = await Driver(loop.parts).drive(run.id)

    assert said(run)["failure"]["error_class"] == "NotAllowed"
    assert fetcher.asked == []
    loop.close()


@pytest.mark.parametrize(
    ("hops", "is_read"),
    [
        (("https://www.python.org/json", "https://peps.python.org/"), True),
        (("http://docs.python.org/3/json.html",), False),
        (("https://[::1]/",), False),
    ],
)
async def test_every_hop_is_judged(
    fast_tmp_path: Path, hops: tuple[str, ...], is_read: bool
) -> None:
    """A page may point on, as far as the rules go without asking again."""
    loop = opened(fast_tmp_path, FakeFetcher(*hops))

    run = await run_goal(loop)

    assert said(run)["ok"] is is_read
    loop.close()


@pytest.mark.parametrize(
    "url",
    [
        *("http://docs.python.org/", "ftp://docs.python.org/", "file:///etc/passwd", ""),
        *("https://user@docs.python.org/", "https://docs.python.org\\x", "docs.python.org"),
    ],
)
async def test_no_url_for_a_page(fast_tmp_path: Path, url: str) -> None:
    """Nothing is asked of anybody but a person, and of nobody for what is no URL."""
    fetcher = FakeFetcher()
    loop = opened(fast_tmp_path, fetcher, url)

    run = await run_goal(loop, f"summarise {url}")

    assert fetcher.asked == []
    assert run.status is RunStatus.AWAITING_HUMAN or not said(run)["ok"]
    loop.close()


async def test_a_url_with_a_planted_secret(fast_tmp_path: Path) -> None:
    """It is refused before anybody is asked, as something that only a break-out could know."""
    loop = opened(fast_tmp_path, FakeFetcher(), canary=lambda value: "json" in str(value))

    run = await run_goal(loop)

    assert said(run)["failure"]["denied"] == "canary"
    loop.close()


@pytest.mark.parametrize(
    ("fetcher", "error_class"),
    [
        (FakeFetcher(status=404), "NotFound"),
        (FakeFetcher(status=503), "Unreachable"),
        (FakeFetcher(status=429), "Unreachable"),
        (FakeFetcher(fails=Unreachable("no")), "Unreachable"),
        (FakeFetcher(fails=NotAllowed("inside")), "NotAllowed"),
        (None, "NotServed"),
    ],
)
async def test_what_goes_wrong_is_a_result(
    fast_tmp_path: Path, fetcher: FakeFetcher | None, error_class: str
) -> None:
    """Each with the error that says what to do."""
    loop = opened(fast_tmp_path, fetcher)

    run = await run_goal(loop)

    assert said(run)["failure"]["error_class"] == error_class
    loop.close()


class Killed(BaseException):
    """The process ends here."""


async def test_cut_off_it_is_read_again(fast_tmp_path: Path) -> None:
    """The permission is in the journal, so nobody is asked twice, and there is one result."""
    loop = opened(fast_tmp_path, FakeFetcher(fails=Killed()))
    goal = await loop.add("what is json?")
    asked = await Driver(loop.parts).drive(goal)
    await Person().answer(loop.parts, asked, yes=True)
    with pytest.raises(Killed):
        await Driver(loop.parts).drive(goal)
    loop.close()

    fetcher = FakeFetcher()
    again = opened(fast_tmp_path, fetcher)
    run = await Driver(again.parts).drive(goal)

    events = [event.kind for event in await again.parts.ledger.events(run.stream)]
    assert said(run)["ok"]
    assert fetcher.asked == [URL]
    assert events.count(EventKind.QUESTION_ASKED) == 1
    assert events.count(EventKind.INTENT_RECORDED) == 1
    again.close()
