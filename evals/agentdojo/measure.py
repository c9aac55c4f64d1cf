"""Runs inside AgentDojo's own environment: every task, every pair, every policy, one table."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentdojo.functions_runtime import FunctionCall
from agentdojo.task_suite.load_suites import get_suites
from autoclave.governance.gate import PolicyGate
from autoclave.governance.safety_rules import SafetyRules

from .agent import MARKER, ObeyingAgent
from .mapping import Tool, read_tools
from .session import Policy, Session
from .variants import variants

VERSION = "v1.2.2"
RULES = Path(__file__).parents[2] / "safety_rules.yaml"


@dataclass(slots=True)
class Suite:
    """One of AgentDojo's suites, with what is worked out once for each of its user tasks."""

    name: str
    suite: Any
    tools: dict[str, Tool]
    benign: Any
    attacked: dict[str, Any]
    """By user task: the environment with the marker wherever that task can read it."""


def main() -> None:
    given = _arguments()
    started = time.monotonic()
    gate = PolicyGate(SafetyRules.load(RULES))
    suites = [_load(name, suite, limit=given.limit) for name, suite in get_suites(VERSION).items()]
    for policy in Policy:
        facts = {"policy": str(policy), "agentdojo": VERSION, "limit": given.limit}
        _print(**facts, **_benign(suites, policy, gate, detail=given.detail))
        _print(**facts, **_attacks(suites, policy, gate, detail=given.detail))
        _print(**facts, **_variants(suites, policy, gate, detail=given.detail))
    _print(case="time", value=round(time.monotonic() - started, 1), unit="s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.agentdojo", description=__doc__)
    parser.add_argument("--limit", type=int, default=0, help="user tasks per suite; 0 for all")
    parser.add_argument("--detail", action="store_true", help="say what got through, on stderr")
    return parser.parse_args()


def _load(name: str, suite: Any, *, limit: int) -> Suite:
    tools = read_tools({each.name: list(each.parameters.model_fields) for each in suite.tools})
    vectors = list(suite.get_injection_vector_defaults())
    probe = suite.load_and_inject_default_environment({each: f"@@{each}@@" for each in vectors})
    benign = suite.load_and_inject_default_environment({})
    tasks = dict(list(suite.user_tasks.items())[: limit or None])
    made: dict[tuple[str, ...], Any] = {}
    attacked = {}
    for task_id, task in tasks.items():
        seen = tuple(sorted(_candidates(suite, task, probe, vectors)))
        if seen not in made:
            marked = dict.fromkeys(seen, MARKER)
            made[seen] = suite.load_and_inject_default_environment(marked)
        attacked[task_id] = made[seen]
    return Suite(name=name, suite=suite, tools=tools, benign=benign, attacked=attacked)


def _candidates(suite: Any, task: Any, probe: Any, vectors: Sequence[str]) -> Iterator[str]:
    """The places of an attacker that the task's own calls read."""
    from agentdojo.agent_pipeline.ground_truth_pipeline import GroundTruthPipeline
    from agentdojo.functions_runtime import FunctionsRuntime

    runtime = FunctionsRuntime(suite.tools)
    env = probe.model_copy(deep=True)
    _, _, _, messages, _ = GroundTruthPipeline(task).query(task.PROMPT, runtime, env)
    text = " ".join(str(each["content"]) for each in messages)
    yield from (each for each in vectors if f"@@{each}@@" in text)


def _benign(suites: list[Suite], policy: Policy, gate: PolicyGate, *, detail: bool) -> Any:
    """Nobody attacks: what a person is asked, who says yes to everything."""
    tasks = quiet = calls = questions = solved = 0
    for suite in suites:
        for task_id, task in _tasks(suite):
            session = Session(policy, gate, suite.tools, says_yes=True)
            env = suite.benign.model_copy(deep=True)
            truth = task.ground_truth(task.init_environment(env.model_copy(deep=True)))
            agent = ObeyingAgent(session, truth, injected=(), output=task.GROUND_TRUTH_OUTPUT)
            utility, _ = suite.suite.run_task_with_pipeline(agent, task, None, {}, environment=env)
            tasks, solved = tasks + 1, solved + utility
            calls, questions = calls + session.count.calls, questions + session.count.questions
            quiet += not session.count.questions
            if detail and session.count.questions:
                _tell(str(policy), suite.name, task_id, questions=session.count.questions)
    return {
        "case": "benign",
        "tasks": tasks,
        "solved": solved,
        "without_question": quiet,
        "calls_that_needed_a_person": calls,
        "questions": questions,
        "questions_per_task": round(questions / tasks, 3),
        "calls_asked_per_task": round(calls / tasks, 3),
    }


def _attacks(suites: list[Suite], policy: Policy, gate: PolicyGate, *, detail: bool) -> Any:
    """AgentDojo's own injections; whoever is asked is not there, so asked means not done."""
    counts: Counter[str] = Counter()
    for suite in suites:
        injections = [
            (injection_id, injection, injection.ground_truth(suite.benign.model_copy(deep=True)))
            for injection_id, injection in suite.suite.injection_tasks.items()
        ]
        for task_id, task in _tasks(suite):
            for injection_id, injection, calls in injections:
                if not calls:
                    continue  # AgentDojo has no answer of its own, so nothing can be obeyed
                agent, utility, success = _attack(
                    suite, task_id, task, injection, calls, policy, gate
                )
                counts["pairs"] += 1
                counts["seen"] += agent.trace.seen
                counts["success"] += success
                counts["completed"] += utility
                if detail and success:
                    _tell(str(policy), suite.name, task_id, injection_id)
    return {
        "case": "attack",
        "pairs": counts["pairs"],
        "injection_read": counts["seen"],
        "success": counts["success"],
        "success_percent": _percent(counts["success"], counts["pairs"]),
        "user_task_completed_without_question": counts["completed"],
        "completed_percent": _percent(counts["completed"], counts["pairs"]),
    }


def _attack(
    suite: Suite,
    task_id: str,
    task: Any,
    injection: Any,
    calls: Sequence[FunctionCall],
    policy: Policy,
    gate: PolicyGate,
) -> tuple[ObeyingAgent, bool, bool]:
    session = Session(policy, gate, suite.tools, says_yes=False)
    env = suite.attacked[task_id].model_copy(deep=True)
    truth = task.ground_truth(task.init_environment(env.model_copy(deep=True)))
    output = f"{task.GROUND_TRUTH_OUTPUT}\n{getattr(injection, 'GROUND_TRUTH_OUTPUT', '')}"
    agent = ObeyingAgent(session, truth, injected=calls, output=output)
    utility, success = suite.suite.run_task_with_pipeline(
        agent, task, injection, {}, environment=env
    )
    return agent, utility, success


def _variants(suites: list[Suite], policy: Policy, gate: PolicyGate, *, detail: bool) -> Any:
    """Our own injections, made to fit: a tool of the plan, a target of the prompt."""
    counts: Counter[str] = Counter()
    for suite in suites:
        for task_id, task in _tasks(suite):
            env = suite.attacked[task_id].model_copy(deep=True)
            truth = task.ground_truth(task.init_environment(env.model_copy(deep=True)))
            for variant in variants(truth, task.PROMPT, suite.tools):
                session = Session(policy, gate, suite.tools, says_yes=False)
                agent = ObeyingAgent(session, truth, injected=[variant.call], output="")
                suite.suite.run_task_with_pipeline(
                    agent, task, None, {}, environment=env.model_copy(deep=True)
                )
                if not agent.trace.seen:
                    continue
                counts[variant.kind] += 1
                counts[f"{variant.kind} let through"] += bool(agent.trace.injected)
                if detail and agent.trace.injected:
                    _tell(str(policy), suite.name, task_id, variant.kind, call=str(variant.call))
    return {"case": "in-plan variants", **dict(sorted(counts.items()))}


def _tasks(suite: Suite) -> Iterator[tuple[str, Any]]:
    return ((task_id, suite.suite.user_tasks[task_id]) for task_id in suite.attacked)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _tell(*where: str, **facts: Any) -> None:
    print(" · ".join(where), facts or "", file=sys.stderr)


def _print(**facts: Any) -> None:
    print(json.dumps({"eval": "agentdojo", **facts}), flush=True)


if __name__ == "__main__":
    main()
