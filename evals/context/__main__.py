"""One JSON line per figure: what a goal of fifty steps costs, told by us and by others.

.venv/bin/python -m evals.context [--short] [--seed 1] [--away 600]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from autoclave.core.models.prices import Price, price_of

from .ours import Pursued, pursue
from .peers import Told, peers_of
from .pricing import Cost, cost_of
from .project import make_project
from .story import Step, story_of

_AIM = 0.5
_MODELS = ("claude-sonnet-4-6", "claude-opus-5-5")
_SHORT_BUGS = 2


def main() -> None:
    given = _arguments()
    for seed in range(given.seed, given.seed + given.rounds):
        project = make_project(seed)
        steps = story_of(project, bugs=_SHORT_BUGS if given.short else len(project.bugs))
        for model in _MODELS[:1] if given.short else _MODELS:
            price = price_of(model)
            if price is None:
                raise SystemExit(f"{model} has no price")
            with tempfile.TemporaryDirectory(prefix="autoclave-context-") as name:
                work = pursue(Path(name), project, steps, price, model=model, away=given.away)
                pursued = asyncio.run(work)
            _report(pursued, steps, price, model=model, seed=seed, away=given.away)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evals.context", description=__doc__)
    parser.add_argument("--short", action="store_true", help="two bugs, one model")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1, help="projects, one for each seed from it")
    parser.add_argument("--away", type=float, default=600.0, help="seconds till the answer")
    return parser.parse_args()


def _report(
    pursued: Pursued, steps: list[Step], price: Price, *, model: str, seed: int, away: float
) -> None:
    about: dict[str, Any] = {"model": model, "window": price.limits.window, "seed": seed}
    written = [each["output_tokens"] for each in pursued.usages]
    before = pursued.asked_before
    ours = cost_of(pursued.bodies, written, price, asked_before=before, away=away)
    looks = {"looks": pursued.worker.looks, "unmet": len(pursued.worker.unmet)}
    looks["summaries"] = pursued.worker.summaries
    _print("ours: price", ours.usd, "USD", steps=len(steps), **ours.to_json(), **looks, **about)
    _print("ours: price in the journal", pursued.usd, "USD", **about)
    costs: dict[str, Cost] = {}
    for told in peers_of(pursued, steps):
        cost = _cost_of(told, price, away)
        costs[told.name] = cost
        looks = {"looks": told.looks, "unmet": told.unmet}
        _print(f"{told.name}: price", cost.usd, "USD", **cost.to_json(), **looks, **about)
    for name, cost in costs.items():
        _print(f"ours / {name}", ours.usd / cost.usd, "of its price", limit=_AIM, **about)
    best = min(costs, key=lambda name: costs[name].usd)
    _print(
        "ours / best of them",
        ours.usd / costs[best].usd,
        "of its price",
        peer=best,
        limit=_AIM,
        **about,
    )


def _cost_of(told: Told, price: Price, away: float) -> Cost:
    return cost_of(told.bodies, told.written, price, asked_before=told.asked_before, away=away)


def _print(name: str, value: float, unit: str, **more: Any) -> None:
    figure = {"eval": "context", "figure": name, "value": round(value, 4), "unit": unit, **more}
    print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
