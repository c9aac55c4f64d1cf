"""Cassettes: what was recorded is replayed exactly, and nothing else is."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes_models import SCHEMA, TOOL, ask, assistant, user

from autoclave.core.models.cassette import (
    Label,
    Recording,
    append,
    begin,
    first_difference,
    parts_of,
)
from autoclave.core.models.recorded import Recorded, Recorder
from autoclave.core.redaction import Redaction
from autoclave.core.scripted_model import ScriptedModel
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import (
    ConfigurationInvalid,
    Conflict,
    InvalidInput,
    ModelUnavailable,
    OutOfResources,
)
from autoclave.domain.model import (
    Hear,
    ModelAnswer,
    ModelEvent,
    ModelLimits,
    ModelRequest,
    StopReason,
    Tokens,
)

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
KNOWN = "correct horse battery staple"


async def record(file: Path, *turns: tuple[ModelRequest, str | ModelAnswer]) -> list[ModelAnswer]:
    model = ScriptedModel(*[answer for _, answer in turns], usd=0.01)
    recorder = Recorder(model, file)
    return [await recorder.complete(request) for request, _ in turns]


async def test_the_same_questions_get_the_same_answers(tmp_path: Path) -> None:
    """Whole, with their price; the model looks like the one that was recorded."""
    file = tmp_path / "goal.jsonl"
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": [1.5, "ü\ud800"]}}
    whole = ModelAnswer(
        blocks=({"type": "thinking", "thinking": "hm", "signature": "x"}, call),
        stop=StopReason.TOOL_USE,
        tokens=Tokens(input=3, cache_read=2, output=1),
        usd=0.5,
        seconds=1.5,
    )
    turns: list[tuple[ModelRequest, str | ModelAnswer]] = [
        (ask(tools=(TOOL,)), whole),
        (ask(user("more"), schema=SCHEMA), "{}"),
    ]
    said = await record(file, *turns)

    model = Recorded(file)
    played = [await model.complete(request) for request, _ in turns]

    assert played == said
    assert (model.name, model.limits) == ("scripted", ModelLimits())
    model.check()


async def test_the_key_of_a_call_may_differ(tmp_path: Path) -> None:
    """Another run of the same goal has another number."""
    file = tmp_path / "goal.jsonl"
    await record(file, (ask(), "hello"))

    answer = await Recorded(file).complete(ModelRequest(**{**fields(ask()), "key": "G-0007-1"}))

    assert answer.text == "hello"


def fields(request: ModelRequest) -> dict[str, Any]:
    names = ("purpose", "messages", "system", "tools", "schema", "most_tokens", "effort", "notice")
    return {name: getattr(request, name) for name in names}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"purpose": "plan"}, "purpose was 'work' and is 'plan'"),
        ({"most_tokens": 9}, "most_tokens was 4096 and is 9"),
        ({"effort": "high"}, "effort was '' and is 'high'"),
        ({"system": "be bad"}, "system"),
        ({"tools": (TOOL,)}, "tools"),
        ({"schema": SCHEMA}, "schema"),
        ({"notice": "hurry"}, "notice"),
        ({"messages": (user("a"), assistant("b"), user("x"))}, r"messages\[2\]"),
        ({"messages": (user("a"), assistant("b"))}, "messages: 3 were sent, and now 2"),
    ],
)
async def test_another_question_is_refused_and_named(
    tmp_path: Path, changed: dict[str, Any], named: str
) -> None:
    """And the answer is still there for the right one."""
    file = tmp_path / "goal.jsonl"
    right = ask(user("a"), assistant("b"), user("c"))
    await record(file, (right, "hello"))
    model = Recorded(file)

    with pytest.raises(ConfigurationInvalid, match=f"call 1 .*: {named} "):
        await model.complete(ModelRequest(**{**fields(right), **changed}))

    assert (await model.complete(right)).text == "hello"


async def test_after_the_last_answer_there_is_none(tmp_path: Path) -> None:
    """It does not begin again."""
    file = tmp_path / "goal.jsonl"
    await record(file, (ask(), "hello"))
    model = Recorded(file)
    await model.complete(ask())

    with pytest.raises(ConfigurationInvalid, match="no more answers"):
        await model.complete(ask())


async def test_answers_that_nobody_asked_for_are_told(tmp_path: Path) -> None:
    """A goal that ended early was not the recorded one."""
    file = tmp_path / "goal.jsonl"
    await record(file, (ask(), "1"), (ask(user("more")), "2"))
    model = Recorded(file)
    await model.complete(ask())

    with pytest.raises(InvalidInput, match=r"1 answers .* call 2, to work"):
        model.check()


async def test_prices_are_those_of_the_recording(tmp_path: Path) -> None:
    """So that a budget decides as it did then."""
    file = tmp_path / "goal.jsonl"
    await record(file, (ask(), "1"))

    model = Recorded(file)

    assert model.price(ask()) == 0.01
    assert model.price(ask(user("never asked"))) == 0.0
    assert await model.count(ask()) is None


async def test_people_hear_a_replayed_answer(tmp_path: Path) -> None:
    """In one piece."""
    file = tmp_path / "goal.jsonl"
    await record(file, (ask(), "hello"))
    heard: list[ModelEvent] = []

    await Recorded(file).complete(ask(), hear=heard.append)

    assert [event.text for event in heard] == ["hello"]


async def test_secrets_are_not_on_it_and_make_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a known shape and those of the environment; whoever replays it has neither."""
    file = tmp_path / "goal.jsonl"
    monkeypatch.setenv("MY_API_KEY", KNOWN)
    told = f"the token is {SECRET}, the key {KNOWN}"
    first = ask(user(told))
    [said] = await record(file, (first, told))
    await record(file, (ask(user(told), assistant(said.text), user("go on")), "done"))
    monkeypatch.delenv("MY_API_KEY")

    model = Recorded(file, redaction=Redaction(b"", known=[KNOWN]))
    played = await model.complete(first)
    last = await model.complete(ask(user(told), assistant(played.text), user("go on")))

    assert said.text == told
    assert SECRET not in file.read_text()
    assert KNOWN not in file.read_text()
    assert "<redacted:" in played.text
    assert last.text == "done"
    model.check()


async def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Also when it was there before with another mode."""
    file = tmp_path / "new" / "goal.jsonl"
    await record(file, (ask(), "1"))
    file.chmod(0o644)

    await record(file, (ask(), "2"))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_no_link_is_followed(tmp_path: Path) -> None:
    """What lies elsewhere is not overwritten, and nothing was asked."""
    aim, file = tmp_path / "aim", tmp_path / "goal.jsonl"
    file.symlink_to(aim)

    with pytest.raises(ConfigurationInvalid):
        await record(file, (ask(), "1"))

    assert not aim.exists()


async def test_a_recording_is_gone_on_with(tmp_path: Path) -> None:
    """After a restart; of another model it is not."""
    file = tmp_path / "goal.jsonl"
    await record(file, (ask(), "1"))

    await record(file, (ask(), "2"))

    model = Recorded(file)
    assert [(await model.complete(ask())).text for _ in range(2)] == ["1", "2"]
    other = ScriptedModel("3", limits=ModelLimits(window=7))
    with pytest.raises(Conflict, match="holds answers of scripted"):
        await Recorder(other, file).complete(ask())


@pytest.mark.parametrize("lost", [1, 20, 300])
async def test_a_line_that_a_kill_cut_off_was_never_there(tmp_path: Path, lost: int) -> None:
    """Neither for playing nor for going on."""
    file = tmp_path / "goal.jsonl"
    await record(file, (ask(), "1"), (ask(), "cut off"))
    os.truncate(file, file.stat().st_size - lost)

    assert (await Recorded(file).complete(ask())).text == "1"
    await record(file, (ask(), "2"))

    model = Recorded(file)
    assert [(await model.complete(ask())).text for _ in range(2)] == ["1", "2"]
    model.check()


async def test_a_first_line_that_a_kill_cut_off_is_no_cassette(tmp_path: Path) -> None:
    """It is begun anew."""
    file = tmp_path / "goal.jsonl"
    file.write_text('{"cass')

    with pytest.raises(InvalidInput, match="empty"):
        Recorded(file)
    await record(file, (ask(), "1"))

    assert (await Recorded(file).complete(ask())).text == "1"


def test_half_a_line_is_taken_back_when_the_disk_is_full(tmp_path: Path) -> None:
    """The file ends as it did before."""
    file, label = tmp_path / "goal.jsonl", Label(model="m", limits=ModelLimits())
    begin(file, label)
    before = file.read_bytes()
    answer = ModelAnswer(blocks=(), stop=StopReason.END_TURN, tokens=Tokens(), usd=0.0)
    recording = Recording(call=1, parts={}, most_usd=0.0, answer=answer)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        with pytest.raises(OutOfResources, match="No space left"):
            append(file, recording)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert file.read_bytes() == before


class Waiting(ScriptedModel):
    """Answers when it is told to."""

    def __init__(self, *answers: str) -> None:
        super().__init__(*answers)
        self.may_answer = asyncio.Event()

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        answer = await super().complete(request)
        if answer.text == "first":
            await self.may_answer.wait()
        return answer


async def test_calls_at_the_same_time_are_played_as_they_were_asked(tmp_path: Path) -> None:
    """Though the second one was answered first."""
    file, model = tmp_path / "goal.jsonl", Waiting("first", "second")
    recorder = Recorder(model, file)
    one = asyncio.create_task(recorder.complete(ask(user("1"))))
    await asyncio.create_task(recorder.complete(ask(user("2"))))
    model.may_answer.set()
    await one

    played = Recorded(file)

    assert [(await played.complete(ask(user(n)))).text for n in "12"] == ["first", "second"]


async def test_what_failed_is_not_recorded(tmp_path: Path) -> None:
    """The next answer is then the next one."""
    file = tmp_path / "goal.jsonl"
    recorder = Recorder(ScriptedModel(), file)

    with pytest.raises(ModelUnavailable):
        await recorder.complete(ask())

    Recorded(file).check()


async def test_a_paid_answer_that_can_not_be_recorded_is_counted(tmp_path: Path) -> None:
    """It is lost, its price is not."""
    file = tmp_path / "goal.jsonl"
    recorder = Recorder(ScriptedModel("1", "2", usd=0.25), file)
    await recorder.complete(ask())
    file.unlink()
    file.mkdir()

    with pytest.raises(ModelUnavailable) as raised:
        await recorder.complete(ask())

    assert raised.value.usd == 0.25


def damaged(change: Callable[[list[JsonObject]], object]) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        change(lines)
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damaged(lambda lines: lines[0].update(cassette=2)), "version 1 but says 2"),
        (damaged(lambda lines: lines.pop(0)), "version 1 but says None"),
        (damaged(lambda lines: lines[0].pop("limits")), "first line"),
        (damaged(lambda lines: lines[1]["answer"].update(stop="bored")), "line 2"),
        (damaged(lambda lines: lines[1]["answer"].pop("tokens")), "line 2"),
        (damaged(lambda lines: lines[1]["parts"].update(system="x")), "changed by hand"),
        (lambda file: file.write_text("what?\n"), "line 1"),
        (lambda file: file.unlink(), "can't be read"),
    ],
)
async def test_what_is_no_cassette_is_refused(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    """With the line that is wrong."""
    file = tmp_path / "goal.jsonl"
    await record(file, (ask(), "1"))
    damage(file)

    with pytest.raises(InvalidInput, match=said):
        Recorded(file)


REQUESTS = st.fixed_dictionaries(
    {
        "purpose": st.sampled_from(["plan", "work"]),
        "messages": st.lists(st.sampled_from([user("a"), user("b"), assistant("a")]), max_size=3),
        "system": st.sampled_from(["", "x"]),
        "most_tokens": st.integers(1, 2),
        "key": st.text(max_size=2),
    }
)


@settings(max_examples=60)
@given(REQUESTS, REQUESTS)
def test_a_difference_is_named_when_there_is_one(one: JsonObject, other: JsonObject) -> None:
    """The key aside."""
    is_same = {**one, "key": ""} == {**other, "key": ""}

    assert (first_difference(parts_of(one), parts_of(other)) == "") is is_same


async def test_what_each_run_has_of_its_own_makes_no_other_question(tmp_path: Path) -> None:
    """The tag around data, and how long a tool took; what it says is still compared."""

    def told(tag: str, seconds: str, said: str) -> ModelRequest:
        return ask(user(f'<data-{tag} from="t">\nok: true\nseconds: {seconds}\nsaid: {said}\n</>'))

    file = tmp_path / "goal.jsonl"
    await record(file, (told("a" * 12, "0.19", "yes"), "good"), (told("a" * 12, "1", "no"), "bad"))
    model = Recorded(file)

    assert (await model.complete(told("b" * 12, "12.5", "yes"))).text == "good"
    with pytest.raises(ConfigurationInvalid, match="call 2"):
        await model.complete(told("b" * 12, "1", "maybe"))
