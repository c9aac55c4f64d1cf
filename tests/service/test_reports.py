"""What is told of a goal that has ended."""

from __future__ import annotations

from typing import Any

from autoclave.cli.render.goals import report
from autoclave.domain.run import Run, RunStatus
from autoclave.service.reports import report_of


def _ended(status: RunStatus, *summaries: str) -> Run:
    ends: list[Any] = [
        {"intent": {"kind": "Finish", "summary": said}, "result": {"ok": True}}
        for said in summaries
    ]
    return Run(id="G-0001", text="explain it", status=status, transcript=tuple(ends))


def test_what_a_model_says_at_the_end_is_told() -> None:
    """Its last word is the answer to a goal that asks for one."""
    told = report_of(_ended(RunStatus.DONE, "not yet", "It adds\ntwo numbers."))

    assert told["says"] == "It adds\ntwo numbers."
    assert "two numbers." in report(told, color=False)


def test_nothing_is_said_where_a_goal_was_not_reached() -> None:
    """What a model took for the end was none."""
    assert report_of(_ended(RunStatus.FAILED, "all done"))["says"] == ""
    assert report_of(_ended(RunStatus.DONE))["says"] == ""


def test_a_models_last_word_does_not_steer_the_terminal() -> None:
    """It is shown, not obeyed."""
    told = report_of(_ended(RunStatus.DONE, "fine\x1b[2J"))

    assert "\x1b" not in report(told, color=False)
