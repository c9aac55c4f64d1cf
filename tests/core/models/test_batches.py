"""Message batches: our adapter and the real SDK against a model on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import time

import anthropic
import pytest
from tests.servers.messages import MessagesServer
from tests.servers.script import Script
from tests.servers.turns import FOREVER, Expect, Fault, Reply, Turn

from autoclave.core.models.batches import ClaudeBatches
from autoclave.core.models.claude import Claude
from autoclave.core.models.prices import price_of
from autoclave.domain.errors import CredentialMissing, ModelUnavailable, NotFound
from autoclave.domain.model import ModelRequest

pytestmark = pytest.mark.slow

PRICE = price_of("claude-opus-5-5")
ROOT = Path(__file__).parents[3]
MakeClaude = Callable[..., Claude]


def asked(*names: str) -> dict[str, ModelRequest]:
    return {
        name: ModelRequest(
            purpose="consolidate",
            messages=({"role": "user", "content": f"about {name}"},),
            system="be brief",
            schema={"type": "object", "properties": {"lesson": {"type": "string"}}},
            most_tokens=200,
        )
        for name in names
    }


@pytest.fixture
def batches(claude: MakeClaude) -> Callable[..., ClaudeBatches]:
    def make(server: MessagesServer) -> ClaudeBatches:
        assert PRICE is not None
        return ClaudeBatches(claude(server), PRICE)

    return make


def test_a_batch_costs_half() -> None:
    """Also above the length where the whole prompt costs more."""
    haiku = price_of("claude-haiku-5-5")
    assert PRICE is not None
    assert haiku is not None
    assert haiku.above is not None
    above = haiku.batched().above
    assert above is not None

    assert PRICE.batched().rates.output == PRICE.rates.output / 2
    assert PRICE.batched().rates.cache_read == PRICE.rates.cache_read / 2
    assert above[1].input == haiku.above[1].input / 2
    assert haiku.batched().batched() == haiku.batched()


async def test_questions_go_out_together_and_come_back_by_their_names(
    serve: Callable[..., MessagesServer], batches: Callable[..., ClaudeBatches]
) -> None:
    """Answers, errors and what was never processed; each answer at half its price."""
    server = serve(
        Turn(
            expect=Expect(purpose="consolidate", user_contains="about a", schema=True),
            reply=Reply(structured={"lesson": "x"}),
        ),
        Turn(fault=Fault(status=529, message="no \x1b[31mroom")),
        Turn(fault=Fault(expired=True)),
    )
    model = batches(server)

    batch = await model.submit(asked("a", "b", "c"))
    assert [await model.has_ended(batch) for _ in range(2)] == [False, True]
    found = await model.results(batch)

    answer = found["a"].answer
    assert answer is not None
    assert PRICE is not None
    assert json.loads(answer.text) == {"lesson": "x"}
    assert answer.usd == found["a"].usd == pytest.approx(PRICE.usd(answer.tokens) / 2)
    assert answer.usd <= model.price(asked("a"))
    assert found["b"].why.startswith("errored: no ")
    assert "\x1b" not in found["b"].why
    assert found["c"].why == "expired"
    assert (found["b"].usd, found["c"].usd) == (0.0, 0.0)
    server.check()


async def test_one_that_may_have_arrived_is_known_by_its_names(
    serve: Callable[..., MessagesServer], batches: Callable[..., ClaudeBatches]
) -> None:
    """A list does not show them, so a batch of the same size has to end first."""
    server = serve(Turn(reply=Reply(text="x"), repeat=FOREVER))
    model = batches(server)
    before = time()
    other = await model.submit(asked("theirs-1", "theirs-2"))
    await model.submit(asked("of another size"))

    seen = await model.find(["ours-1", "ours-2"], since=before, known=())
    assert (seen.found, seen.is_sure) == ("", False)
    assert (await model.find(["ours-1", "ours-2"], since=before, known=(other,))).is_sure

    ours = await model.submit(asked("ours-1", "ours-2"))
    for batch in (other, ours):
        while not await model.has_ended(batch):
            pass
    assert (await model.find(["ours-1", "ours-2"], since=before, known=())).found == ours
    assert (await model.find(["new-1", "new-2"], since=before, known=())).is_sure


async def test_what_was_sent_long_before_is_not_ours(
    serve: Callable[..., MessagesServer], batches: Callable[..., ClaudeBatches]
) -> None:
    """The search ends where it can't be any more."""
    server = serve(Turn())
    model = batches(server)
    await model.submit(asked("a"))

    assert (await model.find(["a"], since=time() + 3_600, known=())).is_sure


async def test_a_cancelled_batch_ends_without_answers(
    serve: Callable[..., MessagesServer], batches: Callable[..., ClaudeBatches]
) -> None:
    """Nothing is paid for what was not answered."""
    model = batches(serve())
    batch = await model.submit(asked("a"))

    await model.cancel(batch)

    assert await model.has_ended(batch)
    assert (await model.results(batch))["a"].why == "canceled"


async def test_errors_are_ours(
    serve: Callable[..., MessagesServer],
    batches: Callable[..., ClaudeBatches],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch that is gone, a key that is wrong, a server that is away."""
    server = serve()
    model = batches(server)
    with pytest.raises(NotFound, match="msgbatch_x"):
        await model.has_ended("msgbatch_x")

    server.key = "another"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "wrong")
    with pytest.raises(CredentialMissing):
        await model.submit(asked("a"))

    gone = MessagesServer(())
    with gone:
        away = batches(gone)
    with pytest.raises(ModelUnavailable):
        await away.submit(asked("a"))


@pytest.mark.parametrize(
    "death", ["before sending", "after sending", "before collecting", "after collecting"]
)
def test_a_killed_process_is_followed_by_one_that_finishes_its_batch(
    death: str, tmp_path: Path
) -> None:
    """By SIGKILL, with the real SDK, and with a server that dies and comes back as well."""
    turns = [Turn(reply=Reply(structured={"lesson": "quote every field"}), repeat=FOREVER)]
    state = tmp_path / "provider.json"
    with MessagesServer(Script(turns, {"batches": {"polls": 1}}), state=state) as server:
        died = _child(server, tmp_path, death)
        assert died.returncode == -signal.SIGKILL, died.stderr
    with MessagesServer(Script(turns, {"batches": {"polls": 1}}), state=state) as server:
        _let_the_provider_work(server)
        lived = _child(server, tmp_path, "")
        assert lived.returncode == 0, lived.stderr
    said = json.loads(lived.stdout)
    sent = json.loads(state.read_text())["batches"]

    assert len(sent) == 1
    assert said["kinds"].count("BatchCollected") == 1
    assert said["kinds"].count("LessonWritten") == 1
    assert said["spend_usd"] > 0


def _let_the_provider_work(server: MessagesServer) -> None:
    """There a batch moves on when somebody looks at it by its id, and a list is no look."""
    with anthropic.Anthropic(base_url=server.base_url, api_key="loopback") as client:
        for each in client.messages.batches.list():
            client.messages.batches.retrieve(each.id)


def _child(server: MessagesServer, home: Path, death: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.batch_child", str(home), death],
        cwd=ROOT,
        env={**os.environ, **server.environment()},
        capture_output=True,
        text=True,
        timeout=120,
    )
