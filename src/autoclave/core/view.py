"""What the mind gets to see of a run."""

from __future__ import annotations

from ..domain.canonical import JsonObject, digest
from ..domain.capability import Manifest
from ..domain.model import ModelLimits
from ..domain.ports import LanguageModel
from ..domain.run import Run

_ORIGINS = {
    "run.text": "goal",
    "run.done": "goal",
    "capabilities": "person",
    "recalled": "capability",
    "plan": "model",
    "results": "capability",
    "failures": "capability",
    "replies": "model",
    "transcript": "model",
}
"""Where each part comes from; everything but the goal and a person's words is untrusted.

Each result has `labels` that say it for each of its outputs.
"""


def build_view(
    run: Run, manifests: tuple[Manifest, ...], model: LanguageModel | None
) -> JsonObject:
    """The run as JSON, with nothing in it that depends on when or where it is looked at."""
    return {
        "run": {
            "id": run.id,
            "kind": str(run.kind),
            "text": run.text,
            "state": str(run.state),
            "attempt": run.attempt,
            "has_workspace": bool(run.workspace),
            "done": list(run.done),
            "facts": run.facts,
            "fence": _fence(run),
        },
        "capabilities": [_offered(each) for each in manifests],
        "recalled": run.recalled,
        "plan": run.plan,
        "results": dict(run.results),
        "tries": dict(run.tries),
        "failures": list(run.failures),
        "plans_tried": list(run.plans_tried),
        "replies": list(run.replies),
        "transcript": list(run.transcript),
        "done_result": run.done_result,
        "lesson": run.lesson,
        "model": model.name if model else "",
        "model_limits": limits_of(model),
        "budget_used": _budget_used(run),
        "seed": int(digest([run.id, run.attempt, run.seq])[:8], 16),
        "origins": _ORIGINS,
    }


def limits_of(model: LanguageModel | None) -> JsonObject:
    """How much the model takes in and gives out, in tokens."""
    limits = model.limits if model else ModelLimits()
    return {"window": limits.window, "output": limits.output}


def _fence(run: Run) -> str:
    """The same for the whole run, and not to be guessed by what the run reads."""
    return digest([run.id, run.added_at, run.added_by, run.attempt])[:12]


def _budget_used(run: Run) -> float:
    """The largest share that is gone, in hundredths so that it says no more than it has to."""
    spent, most = run.spend.to_json(), run.budget.to_json()
    shares = [
        spent[name] / most[name] for name in ("steps", "seconds", "tokens", "usd") if most[name]
    ]
    return round(max(shares, default=0.0), 2)


def _offered(manifest: Manifest) -> JsonObject:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "purpose": manifest.purpose,
        "inputs": manifest.inputs,
        "outputs": manifest.outputs,
        "effect": str(manifest.effect),
        "serves": list(manifest.serves),
        "provides": list(manifest.provides),
        "writes": manifest.needs.workspace == "write",
    }
