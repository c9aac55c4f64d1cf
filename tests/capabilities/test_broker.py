"""What a running capability asks the kernel for, and what its manifest keeps from being asked."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.capabilities.broker import Desk, is_declared
from autoclave.capabilities.discovery import discover
from autoclave.capabilities.host import Answer, CallFailed, NotAllowed, fresh_context
from autoclave.capabilities.registry import Registry
from autoclave.capabilities.runner import SealedToolbox
from autoclave.capabilities.trials import Trials
from autoclave.domain.broker import Call, NetworkCall, RecallCall, refused, told
from autoclave.domain.canonical import JsonObject
from autoclave.domain.capability import Manifest, Needs, SecretNeed, host_fits
from autoclave.domain.errors import Conflict
from autoclave.domain.errors import NotAllowed as NotAllowedHere
from autoclave.domain.intents import Effect
from autoclave.domain.sealed import Tier
from autoclave.sandbox.files import SafeFiles
from autoclave.sandbox.sealed import SealedSandbox

MakeCapability = Callable[..., Path]

NEEDS = '[needs]\nknowledge = true\nnetwork = ["example.org"]\nmodel = true\n'
RECALL = {"call": "knowledge.recall", "query": "x", "limit": 5}

CODE = """
async def execute(context, inputs):
    found = context.recall("what", limit=2)
    again = await context.recall("what", limit=2)
    page = context.request("POST", "https://example.org/a", body="hello", headers={"X-A": "b"})
    said = context.ask_model([{"role": "user", "content": "hello"}], most_tokens=7)
    return {"found": found, "same": found == again, "body": page["body"].decode(), "said": said}
"""


class Listening:
    """Port Broker: remembers the calls and gives the answers it was made with."""

    def __init__(self, *answers: JsonObject) -> None:
        self.calls: list[Call] = []
        self._answers = list(answers)

    async def answer(self, call: Call) -> JsonObject:
        self.calls.append(call)
        return self._answers.pop(0) if self._answers else told({})


@cache
def _sandbox() -> SealedSandbox:
    return SealedSandbox(base=Path(tempfile.gettempdir()), require_self_test=False)


@pytest.fixture(params=[Tier.FULL, pytest.param(Tier.RESTRICTED, marks=pytest.mark.slow)])
def tools(request: pytest.FixtureRequest, root: Path) -> Callable[[], SealedToolbox]:
    """A toolbox over real sealed runs, in every tier."""
    if request.param not in _sandbox().tiers():
        pytest.skip(f"no tier {request.param} here")

    def build() -> SealedToolbox:
        registry = Registry(discover([root]).manifests)
        return SealedToolbox(
            registry=registry, sandbox=_sandbox(), files=SafeFiles(), tier=request.param
        )

    return build


def manifest(**needs: object) -> Manifest:
    return Manifest(
        name="fetcher",
        version="1.0.0",
        purpose="Fetches.",
        inputs={},
        outputs={},
        effect=Effect.PURE,
        needs=Needs(**needs),  # type: ignore[arg-type]
        folder=Path(),
        tree="t",
    )


async def test_calls_reach_the_broker_and_answers_come_back(
    tools: Callable[[], SealedToolbox], make: MakeCapability
) -> None:
    """In order, typed, and whether the capability awaits them or not."""
    make("asker", CODE, more=NEEDS)
    said = told({"text": "hi"})
    broker = Listening(told({"plans": []}), told({"plans": []}), told({"body": "aGk="}), said)

    ran = await tools().run("asker", {}, workspace=None, key="k", broker=broker)

    assert ran.failure is None
    assert ran.outputs == {
        "found": {"plans": []},
        "same": True,
        "body": "hi",
        "said": {"text": "hi"},
    }
    assert broker.calls[0] == RecallCall(query="what", limit=2)
    assert broker.calls[2] == NetworkCall(
        url="https://example.org/a", method="POST", body="aGVsbG8=", headers={"X-A": "b"}
    )


async def test_a_refusal_is_an_error_of_its_kind(
    tools: Callable[[], SealedToolbox], make: MakeCapability
) -> None:
    """The capability may catch it as Python's own; uncaught, it is the failure."""
    make("asker", "async def execute(context, inputs):\n    return context.recall('x')", more=NEEDS)
    broker = Listening(refused(NotAllowedHere("because")))

    ran = await tools().run("asker", {}, workspace=None, key="k", broker=broker)

    assert ran.failure is not None
    assert (ran.failure.error_class, ran.failure.message) == ("NotAllowed", "because")


async def test_what_the_broker_raises_ends_the_run(
    tools: Callable[[], SealedToolbox], make: MakeCapability
) -> None:
    """It is not told to the capability: the kernel has to wait for somebody."""

    class Raising:
        async def answer(self, call: Call) -> JsonObject:
            raise Conflict("stop")

    make("asker", CODE, more=NEEDS)

    with pytest.raises(Conflict, match="stop"):
        await tools().run("asker", {}, workspace=None, key="k", broker=Raising())


@pytest.mark.slow
async def test_without_needs_there_is_nothing_to_call_on(
    tools: Callable[[], SealedToolbox], make: MakeCapability
) -> None:
    """A capability that declares nothing has no line, whatever the caller hands over."""
    code = """
    import os
    try:
        os.write(5, b"x")
    except OSError as error:
        ERRNO = error.errno
    async def execute(context, inputs):
        return {"errno": ERRNO, "ask": context.ask is None}
    """
    make("mute", code)
    broker = Listening()

    ran = await tools().run("mute", {}, workspace=None, key="k", broker=broker)

    assert ran.outputs == {"errno": 9, "ask": True}
    assert broker.calls == []


@pytest.mark.slow
async def test_raw_bytes_on_the_line_are_held_to_the_same_needs(
    tools: Callable[[], SealedToolbox], make: MakeCapability
) -> None:
    """Code that goes around the context gains nothing by it."""
    code = """
    import json, os, struct
    async def execute(context, inputs):
        messages = [{"role": "user", "content": "x"}]
        call = json.dumps({"call": "model.complete", "messages": messages})
        os.write(5, struct.pack("!I", len(call)) + call.encode())
        return json.loads(os.read(4, struct.unpack("!I", os.read(4, 4))[0]))
    """
    make("raw", code, more="[needs]\nknowledge = true\n")
    broker = Listening()

    ran = await tools().run("raw", {}, workspace=None, key="k", broker=broker)

    assert ran.outputs["refused"]["error_class"] == "NotAllowed"
    assert broker.calls == []


@pytest.mark.slow
async def test_programs_that_it_starts_do_not_get_the_line(
    tools: Callable[[], SealedToolbox], make: MakeCapability
) -> None:
    """What a capability calls is not asked by the commands that it runs."""
    code = """
    import subprocess, sys
    async def execute(context, inputs):
        look = "import os\\nfor n in (4, 5):\\n try: os.fstat(n); print(n)\\n except OSError: pass"
        found = subprocess.run([sys.executable, "-I", "-c", look], close_fds=False, check=True,
                               capture_output=True, text=True)
        return {"open": found.stdout}
    """
    make("starter", code, more='[needs]\nknowledge = true\ncommands = ["python"]\n')

    ran = await tools().run("starter", {}, workspace=None, key="k", broker=Listening())

    assert ran.outputs == {"open": ""}


@pytest.mark.parametrize(
    ("needs", "call", "expected"),
    [
        ({"knowledge": True}, RecallCall(query="x"), True),
        ({"model": True, "network": ("*",)}, RecallCall(query="x"), False),
        ({"network": ("example.org",)}, NetworkCall(url="https://example.org/"), True),
        ({"network": ("example.org",)}, NetworkCall(url="https://EXAMPLE.org/"), True),
        ({"network": ("example.org",)}, NetworkCall(url="https://www.example.org/"), False),
        ({"network": ("example.org",)}, NetworkCall(url="https://example.org.evil.com/"), False),
        ({"network": ()}, NetworkCall(url="https://example.org/"), False),
    ],
)
def test_needs_admit_what_they_name(needs: dict[str, object], call: Call, expected: bool) -> None:
    """Nobody is asked about what a manifest does not declare."""
    assert is_declared(manifest(**needs).needs, call) is expected


@pytest.mark.parametrize(
    ("url", "headers", "expected"),
    [
        ("https://api.example.org/", {}, True),
        ("https://www.example.org/", {}, False),
        ("https://api.example.org/", {"X-Key": "mine"}, False),
        ("https://api.example.org/", {"x-key": "mine"}, False),
    ],
)
def test_a_secret_goes_where_the_manifest_says(
    url: str, headers: dict[str, str], expected: bool
) -> None:
    """To its one host, in its one header, which the capability does not fill itself."""
    needs = Needs(
        network=("*.example.org",),
        secrets=(SecretNeed(name="KEY", host="api.example.org", header="X-Key"),),
    )

    call = NetworkCall(url=url, headers=headers, secret="KEY")

    assert is_declared(needs, call) is expected


hosts = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3).map(".".join)


@given(st.text(alphabet="ab.*", max_size=8), hosts)
def test_a_star_stands_for_one_label(pattern: str, host: str) -> None:
    """A pattern covers a host of as many labels, or every host at all."""
    if host_fits(pattern, host) and pattern != "*":
        assert pattern.count(".") == host.count(".")


async def test_what_cannot_be_read_is_refused_and_the_run_goes_on() -> None:
    """A mistake in a call is an answer like any other."""
    broker = Listening()

    said = json.loads(await Desk(manifest(knowledge=True), broker).answer(b"{"))

    assert said["refused"]["error_class"] == "InvalidInput"
    assert broker.calls == []


async def test_an_answer_that_is_too_long_is_said_to_be() -> None:
    """It never reaches the line, which would be cut."""
    broker = Listening(told({"text": "x" * (1 << 20)}))

    said = await Desk(manifest(knowledge=True), broker).answer(json.dumps(RECALL).encode())

    assert "the most is 1,048,576" in json.loads(said)["refused"]["message"]


@pytest.mark.slow
async def test_examples_bring_the_answers_of_the_kernel(make: MakeCapability, root: Path) -> None:
    """To exactly the calls that they name; to others there is none."""
    code = "async def execute(context, inputs):\n    return context.recall(inputs['q'])"
    answers = (
        'answers = [{ call = { call = "knowledge.recall", query = "a" }, answer = { n = 1 } }]'
    )
    example = f"[[examples]]\ninputs = {{ q = '{{}}' }}\noutputs = {{ n = 1 }}\n{answers}\n"
    schemas = '[inputs]\ntype = "object"\n[outputs]\ntype = "object"\n'
    schemas += example.replace("'{}'", "'a'")
    schemas += example.replace("'{}'", "'b'")
    make("asker", code, more="[needs]\nknowledge = true\n", schemas=schemas)
    registry = Registry(discover([root]).manifests)

    trials = Trials(sandbox=_sandbox(), files=SafeFiles())
    good, bad = await trials.examples(registry.get("asker"), dependencies=())

    assert (good.ok, good.why) == (True, "")
    assert "brings no answer" in bad.why


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('[[needs.secrets]]\nname = "K"\nhost = "a.org"\n', "no host of needs.network"),
        ('[needs]\nnetwork = ["*"]\nsecrets = [{ name = "a b", host = "a.org" }]\n', "name of"),
        ('[needs]\nnetwork = ["*"]\nsecrets = [{ name = "K" }]\n', "needs.secrets"),
        ('[needs]\nknowledge = "yes"\n', "needs.knowledge"),
    ],
)
def test_needs_are_read_strictly(make: MakeCapability, root: Path, more: str, why: str) -> None:
    """A manifest that says something else than it means is broken."""
    make("asker", more=more)

    (broken,) = discover([root]).broken

    assert why in broken.error


def test_a_context_without_a_kernel_says_so(tmp_path: Path) -> None:
    """As in the tests of a capability, which may bring answers of their own."""
    context = fresh_context(tmp_path)

    with pytest.raises(CallFailed, match="nobody answers"):
        context.recall("x")


async def test_an_answer_may_be_awaited_twice() -> None:
    """It is there already."""
    answer = Answer({"a": 1})

    assert await answer is answer
    assert await answer == {"a": 1}
    assert issubclass(NotAllowed, PermissionError)
