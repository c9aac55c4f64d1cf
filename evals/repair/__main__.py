"""Run the repair benchmark and print one JSON line per figure."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from . import packages, textbook
from .tasks import Task
from .trial import Outcome, run, snapshot


def main() -> None:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as copy:
        options.capabilities = snapshot(Path(copy))
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    suites: dict[str, Callable[[], Iterator[Task]]] = {
        "textbook": textbook.tasks,
        "packages": lambda: packages.tasks(options.folder),
    }
    for name, make in suites.items():
        if options.suite not in ("all", name):
            continue
        tasks = [t for t in islice(make(), options.limit) if options.only in t.name]
        ranked = list(_run_all(tasks, options, "ranked"))
        _print(figures(name, ranked, options.budget))
        if options.compare:
            shuffled = list(_run_all(tasks, options, "shuffled"))
            _print(comparison(name, ranked, shuffled))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evals.repair", description=__doc__)
    parser.add_argument("--suite", choices=("all", "textbook", "packages"), default="all")
    parser.add_argument("--limit", type=int, default=None, help="tasks per suite")
    parser.add_argument("--only", default="", help="tasks whose name contains this")
    parser.add_argument("--budget", type=float, default=30.0, help="processor seconds per task")
    parser.add_argument("--compare", action="store_true", help="also in random order")
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache" / "autoclave-evals")
    parser.add_argument("--priors", type=Path, default=None, help="experience, as JSON")
    parser.add_argument("--out", type=Path, default=None, help="one JSON line per task")
    return parser.parse_args()


def _run_all(tasks: Sequence[Task], options: argparse.Namespace, order: str) -> Iterator[Outcome]:
    for number, task in enumerate(tasks, start=1):
        outcome = run(
            task,
            capabilities=options.capabilities,
            budget_seconds=options.budget,
            priors=json.loads(options.priors.read_text()) if options.priors else {},
            order=order,
        )
        mark = (
            "=" if outcome.exact else "+" if outcome.correct else "~" if outcome.plausible else "-"
        )
        line = f"{number:3}/{len(tasks)} {mark} {task.name} {outcome.seconds_to_first:.1f}s"
        print(f"{line} place {outcome.place} {outcome.operator}", file=sys.stderr, flush=True)
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps({"order": order} | asdict(outcome)) + "\n")
        yield outcome


def figures(suite: str, outcomes: Sequence[Outcome], budget: float) -> dict[str, object]:
    """The figures of one suite: rates, times, speed."""
    fixed = [o for o in outcomes if o.plausible]
    times = sorted(o.seconds_to_first for o in fixed)
    return {
        "suite": suite,
        "budget_cpu_seconds": budget,
        "tasks": len(outcomes),
        "plausible": len(fixed),
        "correct_on_held_back": sum(o.correct for o in outcomes),
        "exactly_the_original": sum(o.exact for o in outcomes),
        "first_plausible_median_seconds": _quantile(times, 0.5),
        "first_plausible_p90_seconds": _quantile(times, 0.9),
        "candidates_per_second_median": _quantile(
            sorted(o.candidates_per_second for o in outcomes), 0.5
        ),
        "place_of_the_fix_median": _quantile(sorted(o.place for o in fixed), 0.5),
        "alternatives_median": _quantile(sorted(o.alternatives for o in fixed), 0.5),
    }


def comparison(
    suite: str, ranked: Sequence[Outcome], shuffled: Sequence[Outcome]
) -> dict[str, object]:
    """Where the fix stands in our order and in a random one of the same candidates."""
    pairs = [(a, b) for a, b in zip(ranked, shuffled, strict=True) if a.plausible]
    return {
        "suite": suite,
        "figure": "place of the first passing candidate, ranked against shuffled",
        "pairs": len(pairs),
        "ranked_median": _quantile(sorted(a.place for a, _ in pairs), 0.5),
        "shuffled_median": _quantile(
            sorted(b.place if b.plausible else b.candidates for _, b in pairs), 0.5
        ),
        "shuffled_not_found_in_budget": sum(not b.plausible for _, b in pairs),
        "shuffled_correct": sum(b.correct for _, b in pairs),
        "ranked_correct": sum(a.correct for a, _ in pairs),
    }


def _quantile(ordered: Sequence[float], part: float) -> float | None:
    if not ordered:
        return None
    if part == 0.5:
        return round(statistics.median(ordered), 3)
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 3)


def _print(figure: dict[str, object]) -> None:
    print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
