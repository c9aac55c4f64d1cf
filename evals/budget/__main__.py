"""One JSON line per figure: what is spent above a cap by sixteen goals at once, and by others.

.venv/bin/python -m evals.budget [--short]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from autoclave.core.models.choosing import DEFAULT_CLAUDE
from autoclave.core.models.prices import Price, price_of

from .capped import Case, Outcome, run_capped, run_naive

_CAPS = (0.5, 2.0, 5.0)
_SHORT_CAPS = (0.6,)
_KILL_AFTER = 8
"""Requests: most of the workers wait for their first answer then, or for their second."""
_CENT = 1e-9
"""Less is rounding."""


def main() -> None:
    given = _arguments()
    price = price_of(DEFAULT_CLAUDE)
    if price is None:
        raise SystemExit(f"{DEFAULT_CLAUDE} has no price")
    over, naive_over = 0.0, 0.0
    shares: dict[bool, list[float]] = {True: [], False: []}
    for cap in _SHORT_CAPS if given.short else _CAPS:
        naive = run_naive(_case(given, cap, is_killed=False), price)
        naive_over = max(naive_over, naive - cap)
        for is_killed in (True,) if given.short else (True, False):
            outcome = _measured(_case(given, cap, is_killed=is_killed), given.folder, price, naive)
            over = max(over, outcome.sold - cap)
            shares[is_killed].append(outcome.sold / cap)
    about = {"limit": 0.0, "workers": given.workers, "model": DEFAULT_CLAUDE}
    _print("greatest spend above the cap", over if over > _CENT else 0.0, "USD", **about)
    _print("the same, looking after spending", max(naive_over, 0.0), "USD", **about)
    for is_killed, found in shares.items():
        if found:
            name = f"least share of a cap that was used, {_how(is_killed)}"
            _print(name, min(found), "of the cap", most=round(max(found), 4))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evals.budget", description=__doc__)
    parser.add_argument("--short", action="store_true", help="one cap, few rounds")
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--delay", type=float, default=0.4, help="seconds until an answer begins")
    parser.add_argument("--folder", type=Path, default=None, help="where the homes are made")
    return parser.parse_args()


def _case(given: argparse.Namespace, cap: float, *, is_killed: bool) -> Case:
    return Case(
        cap=cap,
        each=0.6,
        workers=given.workers,
        rounds=6 if given.short else 16,
        delay=given.delay,
        kill_after=_KILL_AFTER if is_killed else None,
    )


def _measured(case: Case, folder: Path | None, price: Price, naive: float) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="autoclave-budget-", dir=folder) as name:
        outcome = run_capped(Path(name), case, price)
    _print(
        f"sold under a cap of {case.cap} USD, {_how(case.kill_after is not None)}",
        outcome.sold,
        "USD",
        limit=case.cap,
        peer=round(naive, 6),
        journal=round(outcome.journal, 6),
        most_of_one_goal=round(outcome.most_of_one, 6),
        budget_of_one_goal=case.each,
        goals_over=outcome.goals_over,
        requests=outcome.requests,
        kills=outcome.kills,
        calls_open_when_killed=outcome.in_flight,
        ends=outcome.ends,
    )
    return outcome


def _how(is_killed: bool) -> str:
    return "killed once" if is_killed else "not killed"


def _print(name: str, value: float, unit: str, **more: Any) -> None:
    figure = {"eval": "budget", "figure": name, "value": round(value, 6), "unit": unit, **more}
    print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
