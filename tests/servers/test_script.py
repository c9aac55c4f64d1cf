"""Scripts: what they expect, in which order, and what they say when it does not come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.servers.placeholders import NothingToFill, fill
from tests.servers.script import Mismatch, Script
from tests.servers.script_file import ScriptError, load_script, parse_script
from tests.servers.seen import Seen
from tests.servers.seen_messages import see
from tests.servers.turns import AnyOrder, Expect, Fault, Reply, ToolCall, Turn


def asked(text: str = "hi", **more: Any) -> Seen:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    return see(1, {}, body)


def named(script: Script, text: str) -> str:
    turn = script.take(asked(text))
    return turn.name if isinstance(turn, Turn) else "mismatch"


def test_turns_are_used_up_in_order() -> None:
    """Each turn answers once, and the one behind the last answers nobody."""
    script = Script([Turn(name="one"), Turn(name="two", repeat=2)])

    names = [named(script, "hi") for _ in range(4)]

    assert names == ["one", "two", "two", "mismatch"]


def test_a_group_answers_in_any_order_before_what_follows() -> None:
    """The turns of a group wait for each other, and the next turn for all of them."""
    group = AnyOrder(
        turns=(
            Turn(name="a", expect=Expect(user_contains="apple")),
            Turn(name="b", expect=Expect(user_contains="bread")),
        )
    )
    script = Script([group, Turn(name="after")])

    names = [named(script, text) for text in ("bread", "other", "apple", "other")]

    assert names == ["b", "mismatch", "a", "after"]


def test_a_turn_for_ever_lets_pass_what_it_does_not_want() -> None:
    """It answers as often as it fits, and holds nothing up."""
    script = Script(
        [
            Turn(name="again", expect=Expect(user_contains="again"), repeat="forever"),
            Turn(name="end", expect=Expect(user_contains="end")),
        ]
    )

    names = [named(script, text) for text in ("again", "again", "end", "again")]

    assert names == ["again", "again", "end", "mismatch"]
    assert script.left() == []


@pytest.mark.parametrize(
    ("expect", "named_in_reason"),
    [
        (Expect(model="other"), "model: wanted 'other', came 'm'"),
        (Expect(purpose="plan"), "purpose: wanted 'plan', came None"),
        (Expect(user_contains="bye"), "user_contains: wanted 'bye'"),
        (Expect(system_contains="rules"), "system_contains: wanted 'rules'"),
        (Expect(tools=("read",)), "tools: wanted ['read'], offered []"),
        (Expect(tool_result="toolu_1"), "tool_result: wanted {'id': 'toolu_1'}"),
        (Expect(schema=True), "schema: wanted True, came None"),
        (Expect(cached=2), "cached: wanted 2, came 0 breakpoints"),
        (Expect(stream=True), "stream: wanted True, came False"),
        (Expect(body={"messages": [{"role": "x"}]}), "body.messages.0.role: wanted 'x'"),
        (Expect(headers={"X-A": "1"}), "headers.x-a: wanted '1', came None"),
        (Expect(check=lambda _: "odd"), "check: odd"),
    ],
)
def test_a_mismatch_names_what_was_wanted_and_what_came(
    expect: Expect, named_in_reason: str
) -> None:
    """Every kind of expectation says itself in the reason."""
    script = Script([Turn(name="first", expect=expect)])

    answer = script.take(asked())

    assert isinstance(answer, Mismatch)
    assert "turn 1 'first'" in answer.reason
    assert named_in_reason in answer.reason
    assert script.mismatches == [answer]
    assert script.left() == ["turn 1 'first'"]


def test_what_a_request_has_is_matched_as_a_part() -> None:
    """Everything that an expectation can name fits a request that has it."""
    body: dict[str, Any] = {
        "system": [{"type": "text", "text": "the rules", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "read"}, {"name": "write"}],
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "messages": [
            {"role": "user", "content": "start"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "read"}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "42", "is_error": True}
                ],
            },
        ],
    }
    expect = Expect(
        model="m",
        purpose="plan",
        user_contains="42",
        anywhere=("start", "42"),
        system_contains="rules",
        tools=("write",),
        tool_result={"id": "t1", "contains": "4", "is_error": True},
        schema={"type": "object"},
        cached=1,
        stream=False,
    )

    seen = see(1, {"x-autoclave-purpose": "plan"}, asked(**body).body)

    turn = Script([Turn(expect=expect)]).take(seen)

    assert isinstance(turn, Turn)


def test_placeholders_are_filled_from_the_request() -> None:
    """Text around stays; a value from the body that stands alone keeps its kind."""
    reply = Reply(
        text="{{match:id=(\\d+)}} of {{model}}",
        tools=(ToolCall(name="f", input={"n": "{{body:max_tokens}}", "l": ["{{last_user}}"]}),),
    )

    filled = fill(reply, asked("id=7 id=8", max_tokens=5))

    assert filled.text == "8 of m"
    assert filled.tools[0].input == {"n": 5, "l": ["id=7 id=8"]}


def test_a_placeholder_without_a_value_is_not_left_standing() -> None:
    """The model must never say a placeholder."""
    with pytest.raises(NothingToFill, match="last_tool_use_id"):
        fill(Reply(text="{{last_tool_use_id}}"), asked())


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_script_is_read_from_json_and_yaml(tmp_path: Path, suffix: str) -> None:
    """JSON is YAML as well; options stand beside the turns."""
    file = tmp_path / f"script{suffix}"
    turns = [
        {"name": "a", "expect": {"tools": ["f"]}, "reply": {"tools": [{"name": "f"}]}},
        {"any_order": [{"reply": "b"}, {"fault": {"status": 529, "retry_after": 7200}}]},
    ]
    file.write_text(json.dumps({"turns": turns, "limits": {"requests": 2}}), encoding="utf-8")

    script = load_script(file)

    assert script.items[0] == Turn(
        name="a", expect=Expect(tools=("f",)), reply=Reply(tools=(ToolCall(name="f"),))
    )
    assert isinstance(script.items[1], AnyOrder)
    assert script.items[1].turns[1].fault == Fault(status=529, retry_after=7200)
    assert script.options == {"limits": {"requests": 2}}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"turn": []}, "a list under 'turns'"),
        ([{"expects": {}, "reply": "a"}], "turn 1: unknown expects"),
        ([{"reply": {"txt": "a"}}], "turn 1: reply: unknown txt"),
        ([{}], "turn 1: needs a 'reply' or a 'fault'"),
        ([{"fault": {"hang": True, "reset": True}}], "a fault is exactly one of"),
        ([{"reply": "a", "repeat": 0}], "repeat is a number of times"),
        ([{"any_order": [{"reply": 5}]}], "turn 1.1"),
    ],
)
def test_a_script_with_a_slip_is_refused(value: Any, message: str) -> None:
    """A misspelt expectation would expect nothing, so it is an error with its place."""
    with pytest.raises(ScriptError, match=message):
        parse_script(value)


def test_the_example_of_the_readme_is_a_script() -> None:
    """What people copy works."""
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    example = readme.split("```yaml\n")[1].split("```")[0]

    script = parse_script(yaml.safe_load(example))

    assert len(script.items) == 3


def test_a_script_goes_on_where_another_process_left_it() -> None:
    """The position is all that a restarted server needs."""
    first = Script([Turn(name="one"), Turn(name="two", repeat=3)])
    named(first, "hi")
    named(first, "hi")
    second = Script(first.items)

    second.resume(json.loads(json.dumps(first.position())))

    assert [named(second, "hi") for _ in range(3)] == ["two", "two", "mismatch"]
