"""What the mind gets to see of a run."""

from __future__ import annotations

from ..domain.canonical import JsonObject, digest
from ..domain.capability import Manifest
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
        },
        "capabilities": [_offered(each) for each in manifests],
        "recalled": run.recalled,
        "plan": run.plan,
        "results": dict(run.results),
        "tries": dict(run.tries),
        "failures": list(run.failures),
        "plans_tried": list(run.plans_tried),
        "replies": list(run.replies),
        "done_result": run.done_result,
        "lesson": run.lesson,
        "model": model.name if model else "",
        "seed": int(digest([run.id, run.attempt, run.seq])[:8], 16),
        "origins": _ORIGINS,
    }


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
