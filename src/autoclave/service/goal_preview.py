"""What a goal would become: the mind is asked as for a real run, and nothing is written down."""

from __future__ import annotations

from dataclasses import replace

from ..core.done_test import describe_done_test
from ..core.mind_answer import MindAnswer, read_answer
from ..core.parts import Parts
from ..core.thinking import request_of
from ..core.view import build_view
from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError
from ..domain.intents import GiveUp, Recall, Think
from ..domain.ports import LanguageModel
from ..domain.risk import Risk
from ..domain.run import Run
from ..domain.state import State
from ..domain.usage import Budget

_SIMILAR = 5


async def preview(parts: Parts, payload: JsonObject) -> JsonObject:
    """The reading, the done-test, the first steps and the cost of a goal that was not added."""
    await parts.refresh()
    run = _run(payload)
    recalled = parts.knowledge.recall(run.text, limit=_SIMILAR)
    model, note = _model(parts, run.model)
    answer = await _first_decision(parts, replace(run, recalled=recalled), model)
    planned = replace(run, plan=answer.plan)
    return {
        "text": run.text,
        "workspace": run.workspace,
        "reading": _reading(answer, model),
        "done_test": describe_done_test(planned),
        "is_checked": bool(run.done or (answer.plan or {}).get("done")),
        "steps": _steps(answer),
        "source": (answer.plan or {}).get("source", ""),
        "may_use": list((answer.plan or {}).get("uses", ())),
        "refused": answer.intent.reason if isinstance(answer.intent, GiveUp) else "",
        "similar": _similar(recalled),
        "price": _price(run, answer, model, recalled),
        "budget": run.budget.to_json(),
        "may_answer_up_to": run.allow_up_to.name,
        "model": model.name if model else "",
        "model_note": note,
    }


def _run(payload: JsonObject) -> Run:
    return Run(
        id="G-0000",
        text=payload["text"],
        workspace=payload["workspace"],
        done=tuple(payload["done"]),
        budget=Budget(**payload["budget"]),
        allow_up_to=Risk(payload["allow_up_to"]),
        model=payload["model"],
    )


def _model(parts: Parts, wanted: str) -> tuple[LanguageModel | None, str]:
    """The model and why there is none, where one was asked for and cannot be had."""
    try:
        return parts.models(wanted), ""
    except AutoclaveError as error:
        return None, error.message


async def _first_decision(parts: Parts, run: Run, model: LanguageModel | None) -> MindAnswer:
    """What it would do once it has recalled what it knows."""
    view = build_view(run, parts.toolbox.manifests(), model)
    answer = read_answer(await parts.mind.decide(view))
    if not isinstance(answer.intent, Recall):
        return answer
    state = answer.path[-1] if answer.path else State.PLANNING
    view = build_view(replace(run, state=state), parts.toolbox.manifests(), model)
    return read_answer(await parts.mind.decide(view))


def _reading(answer: MindAnswer, model: LanguageModel | None) -> str:
    """How it understands the goal, in a sentence."""
    if isinstance(answer.intent, GiveUp):
        return "it would give up: nothing that it can do serves this goal"
    if answer.plan is not None:
        return answer.plan.get("approach") or answer.why
    if isinstance(answer.intent, Think) and model is not None:
        return f"no known plan fits; it would ask {model.name} for one first"
    return answer.why


def _steps(answer: MindAnswer) -> list[JsonObject]:
    steps = (answer.plan or {}).get("steps", [])
    return [
        {"name": each["name"], "capability": each["capability"], "inputs": each["inputs"]}
        for each in steps
    ]


def _price(
    run: Run, answer: MindAnswer, model: LanguageModel | None, recalled: JsonObject
) -> JsonObject:
    """What it is likely to cost in US dollars, as goals like it did; and the first call at most.

    `usd` is None where no goal like it was paid for yet: the budget is the only bound then.
    """
    paid = sorted(filter(None, map(_spent, recalled.get("experiences", []))))
    if model is None:
        return {"usd": 0.0, "first_call_at_most": 0.0, "goals_like_it": len(paid)}
    first = 0.0
    if isinstance(answer.intent, Think):
        first = model.price(request_of(answer.intent, key=run.id))
    likely = 0.0 if not first else (paid[len(paid) // 2] if paid else None)
    return {"usd": likely, "first_call_at_most": first, "goals_like_it": len(paid)}


def _spent(experience: JsonObject) -> float:
    outcome = experience.get("outcome") or {}
    return float((outcome.get("spend") or {}).get("usd") or 0.0)


def _similar(recalled: JsonObject) -> list[JsonObject]:
    """What goals like it came to, so that the cost can be judged."""
    return [
        {
            "goal": each.get("goal", ""),
            "success": each.get("success", ""),
            "seconds": each.get("seconds"),
            "usd": _spent(each),
        }
        for each in recalled.get("experiences", [])
    ]
