"""Plans by types: every input comes from somewhere, whatever the capabilities are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoclave.domain.canonical import JsonObject, canonical
from autoclave.mind.composing import compose, required_inputs, types_of
from autoclave.mind.reading import read_goal

TYPES = ["a", "b", "c", "path", "text", "output-path", "verdict"]
WORDS = ["read", "write", "check", "fix", "list", "mend"]
types = st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), max_size=2)
properties = st.dictionaries(
    st.sampled_from(["one", "two", "three"]),
    st.builds(lambda kind: {"x-type": kind}, types) | st.just({}) | st.booleans(),
    max_size=3,
)


@st.composite
def schemas(draw: st.DrawFn) -> JsonObject:
    made: JsonObject = {"type": "object"}
    if draw(st.integers(0, 9)):
        made["properties"] = draw(properties)
    if draw(st.booleans()):
        made["required"] = draw(st.lists(st.sampled_from(["one", "two", "four"]), max_size=2))
    return made


def _capability(name: str, inputs: JsonObject, outputs: JsonObject, serves: Any) -> JsonObject:
    return {
        "name": name,
        "version": "1.0.0",
        "purpose": "Does it.",
        "inputs": inputs,
        "outputs": outputs,
        "effect": "pure",
        "serves": list(serves),
        "provides": [],
        "writes": False,
    }


@st.composite
def offers(draw: st.DrawFn) -> list[JsonObject]:
    names = [f"c{n}" for n in range(draw(st.integers(0, 7)))]
    words = st.lists(st.sampled_from(WORDS), max_size=2)
    return [_capability(n, draw(schemas()), draw(schemas()), draw(words)) for n in names]


goals = st.lists(
    st.sampled_from([*WORDS, "a.txt", "to b.txt", '"text"', "`ls`"]), min_size=1, max_size=6
).map(" ".join)


@settings(max_examples=80, deadline=None)
@given(capabilities=offers(), goal=goals)
def test_every_plan_is_sound(capabilities: list[JsonObject], goal: str) -> None:
    """References point back to fitting outputs, slots to things of the goal; nothing is missing."""
    reading = read_goal(goal)
    known = {each["name"]: each for each in capabilities}

    plans = compose(capabilities, reading)

    signatures = [plan["signature"] for plan in plans]
    assert len(set(signatures)) == len(signatures)
    for plan in plans:
        done: dict[str, JsonObject] = {}
        for step in plan["template"]:
            capability = known[step["capability"]]
            assert set(required_inputs(capability)) <= set(step["inputs"])
            for name, value in step["inputs"].items():
                schema = capability["inputs"]["properties"][name]
                assert _is_fed(value, types_of(schema), done, reading)
            assert set(step["after"]) <= set(done)
            assert step["name"] not in done
            done[step["name"]] = capability
        assert plan["signature"] == ">".join(step["capability"] for step in plan["template"])


def _is_fed(value: JsonObject, wanted: frozenset[str], done: Any, reading: Any) -> bool:
    if "$slot" in value:
        of_type = [e for e in reading["literals"] if e["type"] == value["$slot"]]
        return value["$slot"] in wanted and value["index"] < len(of_type)
    step, _, output = value["$ref"].partition(".")
    return bool(types_of(done[step]["outputs"]["properties"][output]) & wanted)


@settings(max_examples=40, deadline=None)
@given(capabilities=offers(), goal=goals)
def test_the_same_goal_gives_the_same_plans(capabilities: list[JsonObject], goal: str) -> None:
    """Also with the capabilities as they come back from JSON, and nothing is changed by it."""
    before = canonical(capabilities)

    once = compose(capabilities, read_goal(goal))

    assert compose(capabilities, read_goal(goal)) == once
    assert canonical(capabilities) == before


@settings(max_examples=40, deadline=None)
@given(capabilities=offers(), goal=goals)
def test_a_plan_serves_a_word_of_the_goal(capabilities: list[JsonObject], goal: str) -> None:
    """Nothing is done only because it can be."""
    asked = set(read_goal(goal)["words"])
    served = {each["name"]: set(each["serves"]) & asked for each in capabilities}

    for plan in compose(capabilities, read_goal(goal)):
        assert any(served[step["capability"]] for step in plan["template"])


@pytest.mark.parametrize("inputs_each", [1, 3])
@pytest.mark.timeout(20)
def test_forty_capabilities_that_all_fit_have_an_end(inputs_each: int) -> None:
    """Each takes what every other gives: the search is cut off, and still finds plans."""
    schema = {"type": "object", "properties": {f"i{n}": {"x-type": "a"} for n in range(9)}}
    names = [f"i{n}" for n in range(inputs_each)]
    taking = {"properties": {n: {"x-type": "a"} for n in names}, "required": names}
    crowd = [_capability(f"c{n:02}", taking, schema, ["read"]) for n in range(39)]
    source = _capability("source", {"type": "object"}, schema, [])

    plans = compose([*crowd, source], read_goal("read it"))

    assert len({plan["signature"] for plan in plans}) == len(plans) > 0


@pytest.mark.parametrize(
    ("goal", "signature"),
    [
        ("outline the project into outline.md", "inspect_python>render_report>write_file"),
        ("outline the project", "inspect_python"),
        ("show notes.txt", "read_file"),
        ("copy a.txt to b.txt", "read_file>write_file"),
        (
            'search for "TODO" and write a report to todo.md',
            "search_files>render_report>write_file",
        ),
        ("run the tests", "run_tests"),
        ("check that the tests pass", "run_tests"),
        ("make the failing tests pass", "run_tests>repair_python"),
        ("run `ls -l`", "run_command"),
        ("list the files", "list_files"),
    ],
)
def test_goals_of_every_day_have_the_plan_that_one_expects(
    shipped: list[JsonObject], goal: str, signature: str
) -> None:
    """With the capabilities that are shipped."""
    assert compose(shipped, read_goal(goal))[0]["signature"] == signature


def test_an_output_path_is_reached_by_way_of_a_converter(shipped: list[JsonObject]) -> None:
    """Each step takes what the one before it gave, and the path is the goal's."""
    plan = compose(shipped, read_goal("outline the project into outline.md"))[0]

    inspect, render, write = plan["template"]
    assert render["inputs"]["value"]["$ref"].split(".")[0] == inspect["name"]
    assert write["inputs"]["text"] == {"$ref": f"{render['name']}.text"}
    assert write["inputs"]["path"] == {"$slot": "output-path", "index": 0}


@pytest.mark.parametrize(
    "goal",
    [
        "run the tests",
        "run tests",
        "test it",
        "run the test suite",
        "run pytest",
        "check the suite",
    ],
)
def test_running_the_tests_is_never_a_repair(shipped: list[JsonObject], goal: str) -> None:
    """Not even as another way, when they fail."""
    for plan in compose(shipped, read_goal(goal)):
        assert "repair_python" not in plan["signature"]


def test_what_leaves_out_a_thing_that_the_goal_names_is_no_other_way(
    shipped: list[JsonObject],
) -> None:
    """A report about something else is not the report that was asked for."""
    describe = _capability(
        "describe_table",
        {"properties": {"table": {"x-type": "table"}}, "required": ["table"]},
        {"properties": {"table": {"x-type": "table"}}},
        ["describe"],
    )
    goal = read_goal("describe orders.csv and write a report to orders.md")

    plans = compose([*shipped, describe], goal)

    assert "describe_table" in plans[0]["signature"]
    for plan in plans:
        slots = [v for s in plan["template"] for v in s["inputs"].values() if "$slot" in v]
        assert {slot["$slot"] for slot in slots} == {"path", "output-path"}


def test_a_judge_is_asked_again_with_what_it_was_asked_first() -> None:
    """The done-test of a judge that needs inputs has them."""
    judge = _capability(
        "judge",
        {"properties": {"path": {"x-type": "path"}}, "required": ["path"]},
        {"properties": {"ok": {"x-type": "verdict"}, "found": {"x-type": "a"}}},
        ["check"],
    )
    fixer = _capability(
        "fixer", {"properties": {"one": {"x-type": "a"}}, "required": ["one"]}, {}, ["fix"]
    )

    plan = compose([judge, fixer], read_goal("check and fix a.txt"))[0]

    assert plan["signature"] == "judge>fixer"
    slot = {"$slot": "path", "index": 0}
    assert plan["done"] == {"capability": "judge", "inputs": {"path": slot}, "field": "ok"}


def test_a_judge_that_may_be_needless_is_not_the_done_test() -> None:
    """It would have said nothing."""
    first = _capability(
        "first",
        {},
        {"properties": {"ok": {"x-type": "verdict"}, "found": {"x-type": "a"}}},
        ["check"],
    )
    second = _capability(
        "second",
        {"properties": {"one": {"x-type": "a"}}, "required": ["one"]},
        {"properties": {"fine": {"x-type": "verdict"}}},
        ["fix"],
    )

    plan = compose([first, second], read_goal("check and fix"))[0]

    assert plan["template"][1]["unless"] == {"step": "first", "field": "ok"}
    assert plan["done"] == {"capability": "first", "inputs": {}, "field": "ok"}
