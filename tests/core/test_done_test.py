"""Whether a goal is reached: by the person's command, by a judge asked again, by a step's word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeGate, FakeToolbox, Loop, open_loop
from tests.fakes_sealed import UnsealedSandbox

from autoclave.core.done_test import check_done, describe_done_test
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import SandboxUnavailable
from autoclave.domain.risk import ActionKind
from autoclave.domain.run import Run


async def judge(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {"ok": inputs.get("path") == "good.txt", "reason": f"{inputs} is not good"}


async def broken(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    raise ValueError("no verdict")


@pytest.fixture
async def loop(fast_tmp_path: Path) -> AsyncIterator[Loop]:
    """A loop whose commands really run."""
    toolbox = FakeToolbox(judge=FakeCapability(judge), broken=FakeCapability(broken))
    opened = open_loop(fast_tmp_path, toolbox)
    opened.parts = replace(opened.parts, sandbox=UnsealedSandbox())
    yield opened
    opened.close()


def _run(planned: JsonObject | None = None, **parts: Any) -> Run:
    plan = {"signature": "s", "steps": [], "done": planned or {}}
    return replace(Run(id="G-0001", plan=plan), **parts)


async def test_the_persons_command_decides(loop: Loop, tmp_path: Path) -> None:
    """On a copy: what it writes is gone afterwards."""
    (tmp_path / "a.txt").write_text("hello\n")
    run = _run(done=("grep", "-q", "hello", "a.txt"))

    yes = await check_done(loop.parts, run, tmp_path)
    no = await check_done(loop.parts, replace(run, done=("grep", "x", "a.txt")), tmp_path)
    await check_done(loop.parts, replace(run, done=("touch", "trace")), tmp_path)

    assert yes["ok"]
    assert yes["value"]["verified_by"] == "check"
    assert not no["ok"]
    assert no["failure"]["message"].startswith("grep x a.txt: exit code 1")
    assert not (tmp_path / "trace").exists()


async def test_the_command_outranks_what_the_plan_says(loop: Loop, tmp_path: Path) -> None:
    """The person knows what they want."""
    run = _run({"step": "s", "field": "ok"}, done=("false",), results={"s": _said(ok=True)})

    assert not (await check_done(loop.parts, run, tmp_path))["ok"]


async def test_a_rule_may_forbid_the_command(fast_tmp_path: Path, tmp_path: Path) -> None:
    """Then the goal is not reached, and the rule is the reason."""
    gate = FakeGate(ask=[ActionKind.COMMAND_RUN])
    loop = open_loop(fast_tmp_path, FakeToolbox(), gate=gate)

    result = await check_done(loop.parts, _run(done=("true",)), tmp_path)

    assert result["failure"]["error_class"] == "NotAllowed"
    loop.close()


@pytest.mark.parametrize("how", ["command", "judge"])
async def test_the_canary_in_a_done_test_is_an_alarm(loop: Loop, tmp_path: Path, how: str) -> None:
    """What runs for it is as sealed as any step, and as suspect when it says the secret."""
    parts = replace(loop.parts, canary=lambda value: "birdsong" in str(value))
    done = {"capability": "judge", "field": "ok", "inputs": {"path": "birdsong"}}
    by_command = {"done": ("echo", "birdsong")} if how == "command" else {}

    result = await check_done(parts, _run(done, **by_command), tmp_path)

    assert not result["ok"]
    assert result["failure"]["denied"] == "canary"
    assert "birdsong" not in str(result)


async def test_a_judge_is_asked_again_with_its_inputs(loop: Loop) -> None:
    """Also with what an earlier step gave."""
    done = {"capability": "judge", "field": "ok"}
    fixed = _run({**done, "inputs": {"path": "good.txt"}})
    given = _run(
        {**done, "inputs": {"path": {"$ref": "find.path"}}},
        results={"find": _said(path="good.txt")},
    )
    wrong = _run({**done, "inputs": {"path": "bad.txt"}})

    assert (await check_done(loop.parts, fixed, None))["ok"]
    assert (await check_done(loop.parts, given, None))["ok"]
    said = await check_done(loop.parts, wrong, None)
    assert said["failure"]["message"] == "judge: {'path': 'bad.txt'} is not good"


@pytest.mark.parametrize("how", ["ask", "deny"])
async def test_a_rule_may_forbid_the_judge(fast_tmp_path: Path, how: str) -> None:
    """The mind names it, so it runs by the same rules as any step."""
    gate = FakeGate(**{how: [ActionKind.CAPABILITY_RUN]})
    toolbox = FakeToolbox(judge=FakeCapability(judge))
    loop = open_loop(fast_tmp_path, toolbox, gate=gate)
    done = {"capability": "judge", "field": "ok", "inputs": {"path": "good.txt"}}

    result = await check_done(loop.parts, _run(done), None)

    assert result["failure"]["error_class"] == "NotAllowed"
    assert toolbox.ran == []
    loop.close()


@pytest.mark.parametrize(
    "done",
    [
        {"capability": "broken", "inputs": {}, "field": "ok"},
        {"capability": "gone", "inputs": {}, "field": "ok"},
        {"capability": "judge", "inputs": {"path": {"$ref": "never.ran"}}, "field": "ok"},
        {"step": "never_ran", "field": "ok"},
    ],
)
async def test_no_verdict_is_no_yes(loop: Loop, done: JsonObject) -> None:
    """Whatever the reason, it is data, and nothing breaks."""
    result = await check_done(loop.parts, _run(done), None)

    assert not result["ok"]
    assert result["failure"]["message"]


@pytest.mark.parametrize("said", [False, None, 1, "yes", [True]])
async def test_only_true_is_a_yes(loop: Loop, said: Any) -> None:
    """A text that says something nice is none."""
    run = _run({"step": "s", "field": "ok"}, results={"s": _said(ok=said)})

    assert not (await check_done(loop.parts, run, None))["ok"]


async def test_what_is_fatal_is_not_a_verdict(loop: Loop) -> None:
    """Without a sandbox nothing is known: the run stops, it does not fail."""

    class NoSandbox(UnsealedSandbox):
        def scratch(self) -> Any:
            raise SandboxUnavailable("there is none")

    parts = replace(loop.parts, sandbox=NoSandbox())

    with pytest.raises(SandboxUnavailable):
        await check_done(parts, _run(done=("true",)), None)


async def test_without_any_test_it_is_the_agents_own_word(loop: Loop) -> None:
    """And marked as that, since it weighs less."""
    run = _run()

    assert (await check_done(loop.parts, run, None))["value"]["verified_by"] == "self-report"
    assert describe_done_test(run) == "none: every step of the plan succeeds"


def _said(**outputs: Any) -> JsonObject:
    return {"ok": True, "outputs": outputs}
