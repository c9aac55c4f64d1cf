"""What a running capability asks for: judged, written down, done once, whatever happens between."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeClock, FakeGate, FakeKnowledge, FakeToolbox, Loop, open_loop

from autoclave.core.driver import Driver
from autoclave.core.scripted_model import ScriptedModel
from autoclave.core.secrets import Secret, SecretStore
from autoclave.domain.broker import Call, ModelCall, NetworkCall, RecallCall
from autoclave.domain.canonical import JsonObject
from autoclave.domain.capability import CapabilityResult, Failure, Manifest, Needs, SecretNeed
from autoclave.domain.changes import ChangeSet
from autoclave.domain.errors import ModelUnavailable, NotAllowed, Unreachable
from autoclave.domain.events import Event, EventKind, NewEvent
from autoclave.domain.fetch import FetchRequest, FetchResponse
from autoclave.domain.intents import Act, Effect, to_json
from autoclave.domain.ports import Broker
from autoclave.domain.risk import Action, ActionKind, Ruling
from autoclave.domain.run import Run, RunStatus
from autoclave.domain.sealed import Ended, Tier

GET = NetworkCall(url="https://example.org/a")
POST = NetworkCall(url="https://example.org/a", method="POST", body="aGVsbG8=")
ASK = ModelCall(messages=[{"role": "user", "content": "hello"}], most_tokens=10)
KNOWN = RecallCall(query="x")
TOKEN = "sk-0123456789-abcdef"

Script = Callable[[Broker], Awaitable[JsonObject]]


class Killed(BaseException):
    """The process ends here."""


class AskingToolbox(FakeToolbox):
    """One capability, `act`, which is a function over its broker."""

    def __init__(self, script: Script, **needs: Any) -> None:
        super().__init__()
        self.script = script
        given = {"network": ("*",), "model": True, "knowledge": True, **needs}
        self._needs = Needs(**given)
        self.inputs: JsonObject = {"type": "object", "properties": {"url": {"x-type": "url"}}}

    def manifests(self) -> tuple[Manifest, ...]:
        return (self.manifest("act"),)

    def manifest(self, name: str) -> Manifest:
        return Manifest(
            name="act",
            version="1.0.0",
            purpose="Asks.",
            inputs=self.inputs,
            outputs={"type": "object", "properties": {"said": {}}},
            effect=Effect.PURE,
            needs=self._needs,
            folder=Path(),
            tree="t",
        )

    async def run(
        self,
        name: str,
        inputs: JsonObject,
        *,
        workspace: Path | None,
        key: str,
        broker: Broker | None = None,
    ) -> CapabilityResult:
        assert broker is not None
        self.ran.append((name, key))
        outputs: JsonObject = {}
        failure = None
        try:
            outputs = await self.script(broker)
        except ValueError as error:
            failure = Failure(error_class="ValueError", message=str(error))
        return CapabilityResult(
            outputs=outputs,
            changes=ChangeSet(),
            failure=failure,
            ended=Ended.EXITED,
            log=b"",
            seconds=0.01,
            cpu_seconds=0.01,
            max_rss_bytes=1,
            tier=Tier.FULL,
        )


class FakeFetcher:
    """Port Fetcher: remembers what was sent; may point on, fail, or be cut off."""

    def __init__(self, *hops: str, body: bytes = b"page", headers: Any = None) -> None:
        self.sent: list[FetchRequest] = []
        self._hops = hops
        self.body = body
        self.headers: dict[str, str] = headers or {"content-type": "text/plain"}
        self.dies = False
        self.error: Exception | None = None

    async def fetch(
        self, request: FetchRequest, *, allow: Callable[[str, str], None]
    ) -> FetchResponse:
        allow(request.url, "")
        allow(request.url, "93.184.216.34")
        self.sent.append(request)
        if self.dies:
            raise Killed
        if self.error:
            raise self.error
        for hop in self._hops:
            allow(hop, "")
        return FetchResponse(
            status=200,
            url=self._hops[-1] if self._hops else request.url,
            headers=self.headers,
            body=self.body,
            address="93.184.216.34",
            redirects=(),
        )


class HostGate(FakeGate):
    """Asks or denies by host."""

    def __init__(self, *, ask_hosts: tuple[str, ...] = (), **given: Any) -> None:
        super().__init__(**given)
        self._hosts = ask_hosts
        self.seen: list[Action] = []

    def judge(self, action: Action) -> Ruling:
        self.seen.append(action)
        if action.attributes.get("host") in self._hosts:
            return FakeGate(ask=[action.kind]).judge(action)
        return super().judge(action)


def asking(*calls: Call, then: Callable[[], None] = lambda: None) -> Script:
    """A capability that makes these calls and gives what it was told."""

    async def script(broker: Broker) -> JsonObject:
        said = [await broker.answer(call) for call in calls]
        then()
        return {"said": said}

    return script


def one_step(view: Any) -> Any:
    """A mind with one step; it finishes or gives up."""
    act = Act(step="act", capability="act", inputs={"url": GET.url})
    if view["run"]["state"] == "IDLE":
        step = {"name": "act", "capability": "act", "inputs": act.inputs, "after": []}
        plan = {"signature": "act", "source": "composed", "steps": [step], "template": [step]}
        return {"path": ["PLANNING", "EXECUTING"], "plan": plan, "intent": to_json(act)}
    if not view["results"]:
        return {"path": [], "intent": to_json(act)}
    if view["results"]["act"]["ok"] and view["run"]["state"] == "EXECUTING":
        return {"path": ["LEARNING"], "intent": {"kind": "Remember", "lesson": "x", "facts": {}}}
    path = ["ERROR", "RECOVERING"] if view["run"]["state"] == "EXECUTING" else []
    return {"path": path, "intent": {"kind": "GiveUp", "reason": "enough"}}


class World:
    """A loop that can be ended and begun again over the same journal."""

    def __init__(self, folder: Path, script: Script, **given: Any) -> None:
        self.folder = folder
        self.toolbox = AskingToolbox(script, **given.pop("needs", {}))
        self.fetcher: FakeFetcher = given.pop("fetcher", None) or FakeFetcher()
        self.clock = FakeClock()
        self.more: dict[str, Any] = given.pop("more", {})
        self.given = given
        self.goal = ""
        self.loop = self._open()

    def _open(self) -> Loop:
        loop = open_loop(self.folder, self.toolbox, clock=self.clock, decide=one_step, **self.given)
        loop.parts = replace(loop.parts, fetcher=self.fetcher, **self.more)
        return loop

    def restart(self) -> None:
        self.loop.close()
        self.loop = self._open()

    async def drive(self, text: str = f"read {GET.url}") -> Run:
        self.goal = self.goal or await self.loop.add(text)
        return await Driver(self.loop.parts).drive(self.goal)

    async def say(self, run: Run, *, yes: bool) -> None:
        asked = {name: (run.question or {})[name] for name in ("request", "digest")}
        event = NewEvent(kind=EventKind.ANSWER_GIVEN, payload={**asked, "yes": yes, "reason": ""})
        await self.loop.parts.ledger.post(run.stream, event, actor="person:test")

    async def events(self, kind: EventKind) -> list[Event]:
        events = await self.loop.parts.ledger.events(f"goal/{self.goal}")
        return [event for event in events if event.kind is kind]


@pytest.fixture
def make(fast_tmp_path: Path) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def build(script: Script, **given: Any) -> World:
        worlds.append(World(fast_tmp_path, script, **given))
        return worlds[-1]

    yield build
    for world in worlds:
        world.loop.close()


def said(run: Run) -> list[JsonObject]:
    """What the capability was told in the end."""
    answers: list[JsonObject] = run.results["act"]["outputs"]["said"]
    return answers


async def test_every_call_is_served_and_written_down(make: Callable[..., World]) -> None:
    """Before it is done, and after; what a model takes is counted against the goal."""
    knowledge = FakeKnowledge({"plans": ["p"], "experiences": [], "patterns": []})
    model = ScriptedModel("hi there", usd=0.25)
    world = make(asking(KNOWN, ASK, POST), knowledge=knowledge, model=model)

    run = await world.drive()

    known, answer, page = (each["ok"] for each in said(run))
    assert known["plans"] == ["p"]
    assert (answer["text"], answer["usd"]) == ("hi there", 0.25)
    assert (page["status"], base64.b64decode(page["body"])) == (200, b"page")
    assert world.fetcher.sent[0].body == b"hello"
    assert (run.spend.usd, run.spend.model_calls, run.spend.tokens) == (0.25, 1, 2)
    called = await world.events(EventKind.BROKER_CALLED)
    answered = await world.events(EventKind.BROKER_ANSWERED)
    assert [each.payload["ordinal"] for each in called] == [1, 2, 3]
    assert [each.payload["ordinal"] for each in answered] == [1, 2, 3]
    assert all(a.seq < b.seq for a, b in zip(called, answered, strict=True))


async def test_a_denied_call_is_told_and_counted(make: Callable[..., World]) -> None:
    """The capability goes on with the refusal; the run remembers that it tried."""
    gate = FakeGate(deny=[ActionKind.NETWORK_REQUEST])
    world = make(asking(GET, KNOWN), gate=gate)

    run = await world.drive()

    refusal, known = said(run)
    assert refusal["refused"]["error_class"] == "NotAllowed"
    assert "because" in refusal["refused"]["message"]
    assert "ok" in known
    assert run.denials == ("network.request",)
    assert world.fetcher.sent == []


async def test_too_many_denials_end_the_run(make: Callable[..., World]) -> None:
    """They count while it runs, not only when it is done."""
    gate = FakeGate(deny=[ActionKind.NETWORK_REQUEST])
    more = {"escalation": lambda denied: "three noes" if len(denied) >= 3 else ""}
    world = make(asking(*[GET] * 9), gate=gate, more=more)

    run = await world.drive()

    assert (run.status, run.reason) == (RunStatus.PARKED, "three noes")
    assert run.denials == ("network.request",) * 3


@pytest.mark.parametrize("yes", [True, False])
async def test_a_question_ends_the_sealed_run_and_its_answer_begins_it_again(
    make: Callable[..., World], yes: bool
) -> None:
    """What was answered before the question is not done again."""
    model = ScriptedModel("only once", usd=0.1)
    world = make(asking(ASK, GET), gate=FakeGate(ask=[ActionKind.NETWORK_REQUEST]), model=model)

    parked = await world.drive()
    assert parked.status is RunStatus.AWAITING_HUMAN
    assert GET.url in parked.reason
    assert world.fetcher.sent == []
    await world.say(parked, yes=yes)
    world.restart()
    run = await world.drive()

    answer, page = said(run)
    assert answer["ok"]["text"] == "only once"
    assert len(model.requests) == 1
    assert len(world.toolbox.ran) == 2
    assert len({key for _, key in world.toolbox.ran}) == 1
    assert ("ok" in page) is yes
    assert len(world.fetcher.sent) == yes


async def test_a_post_is_sent_once_however_often_it_is_cut_off(make: Callable[..., World]) -> None:
    """A kill after the answer came: the next run hears the same answer."""

    def die() -> None:
        if len(world.toolbox.ran) < 4:
            raise Killed

    world = make(asking(POST, KNOWN, then=die))

    for _ in range(3):
        with pytest.raises(Killed):
            await world.drive()
        world.restart()
    run = await world.drive()

    assert run.results["act"]["ok"]
    assert len(world.fetcher.sent) == 1
    assert len(await world.events(EventKind.BROKER_CALLED)) == 2


@pytest.mark.parametrize("yes", [True, False])
async def test_a_post_in_doubt_is_a_persons_decision(make: Callable[..., World], yes: bool) -> None:
    """A kill between the sending and the answer: nobody knows whether it arrived."""
    world = make(asking(POST), gate=FakeGate(ask=[ActionKind.NETWORK_REQUEST]))
    first = await world.drive()
    await world.say(first, yes=True)
    world.fetcher.dies = True
    with pytest.raises(Killed):
        await world.drive()

    world.fetcher.dies = False
    world.restart()
    parked = await world.drive()
    assert parked.status is RunStatus.AWAITING_HUMAN
    assert "may have arrived" in parked.reason
    assert len(world.fetcher.sent) == 1
    await world.say(parked, yes=yes)
    run = await world.drive()

    assert len(world.fetcher.sent) == 1 + yes
    assert ("ok" in said(run)[0]) is yes


async def test_a_post_in_doubt_is_not_sent_again_by_a_rule(make: Callable[..., World]) -> None:
    """Rules that allow it do not know that it may have happened."""
    world = make(asking(POST))
    world.fetcher.dies = True
    with pytest.raises(Killed):
        await world.drive()
    world.fetcher.dies = False

    run = await world.drive()

    assert "may have arrived" in said(run)[0]["refused"]["message"]
    assert len(world.fetcher.sent) == 1


async def test_reading_is_begun_again(make: Callable[..., World]) -> None:
    """To ask for a page twice changes nothing."""
    world = make(asking(GET))
    world.fetcher.dies = True
    with pytest.raises(Killed):
        await world.drive()
    world.fetcher.dies = False

    run = await world.drive()

    assert said(run)[0]["ok"]["status"] == 200
    assert len(world.fetcher.sent) == 2


async def test_a_model_call_in_doubt_is_counted_in_full(make: Callable[..., World]) -> None:
    """It may have been paid. Asked again it is one more call within the budget."""

    class Cut(ScriptedModel):
        async def complete(self, request: Any, *, hear: Any = None) -> Any:
            answer = await super().complete(request, hear=hear)
            if len(self.requests) == 1:
                raise Killed
            return answer

    model = Cut("lost", "found", usd=0.2)
    world = make(asking(ASK), model=model)
    with pytest.raises(Killed):
        await world.drive()

    run = await world.drive()

    assert said(run)[0]["ok"]["text"] == "found"
    assert (run.spend.usd, run.spend.model_calls) == (0.4, 2)


async def test_a_model_call_that_broke_off_is_paid_as_far_as_it_came(
    make: Callable[..., World],
) -> None:
    """Else a capability could ask again and again, past every budget."""

    class Breaking(ScriptedModel):
        async def complete(self, request: Any, *, hear: Any = None) -> Any:
            raise ModelUnavailable("it broke off", usd=0.3)

    world = make(asking(ASK, ASK), model=Breaking(usd=0.4))

    run = await world.drive()

    assert [each["refused"]["error_class"] for each in said(run)] == ["ModelUnavailable"] * 2
    assert (run.spend.usd, run.spend.model_calls) == (0.6, 2)


async def test_another_call_than_before_is_a_failure(make: Callable[..., World]) -> None:
    """A capability that asks for other things each time cannot be carried on."""
    world = make(asking(POST, then=lambda: (_ for _ in ()).throw(Killed())))
    with pytest.raises(Killed):
        await world.drive()

    world.toolbox.script = asking(GET)
    run = await world.drive()

    assert run.results["act"]["failure"]["error_class"] == "Conflict"
    assert "not repeatable" in run.results["act"]["failure"]["message"]
    assert len(world.fetcher.sent) == 1


async def test_a_budget_that_is_spent_parks_the_run(make: Callable[..., World]) -> None:
    """Nothing is sent; with more to spend it goes on where it was."""
    model = ScriptedModel("hi", usd=5.0)
    world = make(asking(ASK), model=model)

    run = await world.drive()

    assert run.status is RunStatus.PARKED
    assert "budget" in run.reason
    assert model.requests == []


async def test_who_was_cancelled_asks_for_nothing_more(make: Callable[..., World]) -> None:
    """A person's word that comes in between is heard before the next effect."""
    world = make(asking())

    async def script(broker: Broker) -> JsonObject:
        await broker.answer(KNOWN)
        event = NewEvent(kind=EventKind.GOAL_CANCELLED, payload={"reason": "enough"})
        await world.loop.parts.ledger.post(f"goal/{world.goal}", event, actor="person:test")
        return {"said": [await broker.answer(POST)]}

    world.toolbox.script = script
    run = await world.drive()

    assert run.status is RunStatus.CANCELLED
    assert world.fetcher.sent == []


async def test_the_canary_in_a_call_ends_the_run(make: Callable[..., World]) -> None:
    """Also in a body, which travels in base64."""
    world = make(asking(POST), more={"canary": lambda value: b"hello" in value})

    run = await world.drive()

    assert run.denials == ("canary",)
    assert world.fetcher.sent == []


async def test_the_canary_in_an_error_is_an_alarm(make: Callable[..., World]) -> None:
    """A message of an exception carries it out as well as an output does."""

    async def script(broker: Broker) -> JsonObject:
        raise ValueError("birdsong")

    world = make(script, more={"canary": lambda value: "birdsong" in str(value)})

    run = await world.drive()

    assert run.denials == ("canary",)
    assert "birdsong" not in str(run.results)


async def test_an_unreachable_server_is_told(make: Callable[..., World]) -> None:
    """It is no failure of the kernel; the capability decides what it makes of it."""
    world = make(asking(GET))
    world.fetcher.error = Unreachable("example.org takes no connection")

    run = await world.drive()

    assert said(run)[0]["refused"]["error_class"] == "Unreachable"
    assert run.denials == ()


async def test_where_people_did_not_send_it_is_an_untrusted_target(
    make: Callable[..., World],
) -> None:
    """The goal names one page; a capability that goes to another chose it by itself."""
    gate = HostGate()
    other = NetworkCall(url="https://example.org/other")
    world = make(asking(GET, other), gate=gate)

    await world.drive()

    named, strange = _requests(gate)
    assert named.provenance is not None
    assert strange.provenance is not None
    assert named.provenance.untrusted_targets() == ()
    assert named.provenance.planned
    assert [each.value for each in strange.provenance.untrusted_targets()] == [other.url]


def _requests(gate: HostGate) -> list[Action]:
    """One action for each URL that was judged, in order."""
    found: dict[str, Action] = {}
    for action in gate.seen:
        if action.kind is ActionKind.NETWORK_REQUEST and action.provenance:
            found.setdefault(action.provenance.arguments[0].value, action)
    return list(found.values())


@pytest.mark.parametrize(
    ("hop", "told"),
    [
        ("https://example.org/b", 200),
        ("https://www.example.org/a", 200),
        ("https://evil.com/", "does not declare"),
    ],
)
async def test_a_page_may_point_on_within_the_needs(
    make: Callable[..., World], hop: str, told: Any
) -> None:
    """To a host that the manifest names; the rules judge that host too."""
    needs = {"network": ("example.org", "www.example.org")}
    world = make(asking(GET), fetcher=FakeFetcher(hop), needs=needs)

    answer = said(await world.drive())[0]

    if told == 200:
        assert answer["ok"]["status"] == 200
    else:
        assert told in answer["refused"]["message"]


async def test_a_page_that_points_on_to_what_asks_is_a_question(
    make: Callable[..., World],
) -> None:
    """The yes is for that place; then the page is read."""
    gate = HostGate(ask_hosts=("www.example.org",))
    world = make(asking(GET), gate=gate, fetcher=FakeFetcher("https://www.example.org/a"))

    parked = await world.drive()
    assert "points on to https://www.example.org/a" in parked.reason
    await world.say(parked, yes=True)
    run = await world.drive()

    assert said(run)[0]["ok"]["status"] == 200


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    """One secret, for example.org."""
    store = SecretStore(tmp_path / "secrets.json", clock=lambda: 1.0)
    store.put(
        Secret(
            name="KEY", host="example.org", header="Authorization", prefix="Bearer ", value=TOKEN
        )
    )
    return store


def keyed(url: str = "https://example.org/a", method: str = "GET") -> NetworkCall:
    return NetworkCall(url=url, method=method, secret="KEY")


NEEDS_KEY = {"secrets": (SecretNeed(name="KEY", host="example.org"),)}


async def test_a_secret_goes_into_the_request_and_nowhere_else(
    make: Callable[..., World], store: SecretStore
) -> None:
    """Not to the capability, not into the journal, not into what a server echoes."""
    echo = f"you sent {TOKEN} {base64.b64encode(TOKEN.encode()).decode()}".encode()
    fetcher = FakeFetcher(body=echo, headers={"x-echo": f"Bearer {TOKEN}"})
    more = {"secrets": store}
    world = make(asking(keyed()), fetcher=fetcher, needs=NEEDS_KEY, more=more)

    run = await world.drive()

    assert world.fetcher.sent[0].headers == {"Authorization": f"Bearer {TOKEN}"}
    page = said(run)[0]["ok"]
    assert base64.b64decode(page["body"]) == b"you sent [secret] [secret]"
    assert page["headers"] == {"x-echo": "Bearer [secret]"}
    world.loop.close()
    kept = b"".join(each.read_bytes() for each in world.folder.rglob("*") if each.is_file())
    assert b"you sent [secret]" in kept
    assert TOKEN.encode() not in kept
    assert base64.b64encode(TOKEN.encode()) not in kept


async def test_an_error_does_not_tell_the_secret(
    make: Callable[..., World], store: SecretStore
) -> None:
    """Whatever a library puts into its words."""
    world = make(asking(keyed()), needs=NEEDS_KEY, more={"secrets": store})
    world.fetcher.error = Unreachable(f"could not send Authorization: Bearer {TOKEN}")

    run = await world.drive()

    message = said(run)[0]["refused"]["message"]
    assert message == "could not send Authorization: Bearer [secret]"


@pytest.mark.parametrize(
    ("call", "fetcher", "why"),
    [
        (keyed(), FakeFetcher("https://www.example.org/"), "is not sent on"),
        (keyed(), FakeFetcher("http://example.org/a"), "is not sent on"),
        (keyed("https://www.example.org/"), FakeFetcher(), "is for Authorization to example.org"),
    ],
)
async def test_a_secret_is_for_one_place(
    make: Callable[..., World], store: SecretStore, call: Call, fetcher: FakeFetcher, why: str
) -> None:
    """It does not follow a redirect, and goes to no other host."""
    world = make(asking(call), fetcher=fetcher, needs=NEEDS_KEY, more={"secrets": store})

    run = await world.drive()

    assert why in said(run)[0]["refused"]["message"]
    assert all(TOKEN in str(each.headers) for each in world.fetcher.sent)


async def test_a_secret_that_nobody_set_is_named(
    make: Callable[..., World], tmp_path: Path
) -> None:
    """With what to do about it."""
    store = SecretStore(tmp_path / "none.json", clock=lambda: 1.0)
    world = make(asking(keyed()), needs=NEEDS_KEY, more={"secrets": store})

    run = await world.drive()

    assert "there is no secret KEY" in said(run)[0]["refused"]["message"]
    assert world.fetcher.sent == []


async def test_a_no_from_the_fetcher_is_a_denial(make: Callable[..., World]) -> None:
    """Such as an address inside: a capability that tries that is watched."""
    world = make(asking(GET))
    world.fetcher.error = NotAllowed("example.org lies at 127.0.0.1, which is this machine")

    run = await world.drive()

    assert run.denials == ("network.request",)
