"""Which of several patches that pass the suite to propose."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .found import Patch

_NARROW = ("guard", "wrap_in_if", "test", "strengthen")
"""Families that can make a test pass by treating its input as a special case."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """Inputs that no test has, and what each patch, by its number, answers to them."""

    inputs: Sequence[str]
    answers: Mapping[int, Sequence[str]]

    def disputed(self) -> list[int]:
        """Places of inputs that not all patches answer alike."""
        every = list(self.answers.values())
        return [n for n in range(len(self.inputs)) if len({a[n] for a in every}) > 1]


NO_BALLOT = Ballot((), {})


def in_order(patches: Sequence[Patch], ballot: Ballot = NO_BALLOT) -> list[Patch]:
    """The most trustworthy first: likely, general, small, and in agreement with the others."""
    trusts = [_trust(patch) for patch in patches]
    support = _support(trusts, ballot)
    numbers = sorted(range(len(patches)), key=lambda n: -(trusts[n] ** 0.5) * support[n])
    return _distinct([patches[n] for n in numbers])


def _trust(patch: Patch) -> float:
    trust = patch.score
    for operator in patch.operators:
        family, _, kind = operator.partition(":")
        if family in _NARROW and kind not in ("negated", "While"):
            trust *= 0.4
        if family == "delete":
            trust *= 0.5
    if any(_is_idle(node) for text in _changed(patch) for node in ast.walk(ast.parse(text))):
        trust *= 0.2
    return trust / (1 + patch.size / 40)


def _changed(patch: Patch) -> list[str | bytes]:
    """The functions that a patch changes where they are known, else its whole files."""
    return [unit["source"] for unit in patch.units] or list(patch.texts.values())


def _is_idle(node: ast.AST) -> bool:
    """Arithmetic that does nothing: `n + 0`, `n * 1`, `(n - 1) + 1`."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.right, ast.Constant):
        return False
    left, value = node.left, node.right.value
    if isinstance(node.op, ast.Add | ast.Sub):
        undone = (
            isinstance(left, ast.BinOp)
            and isinstance(left.op, ast.Add | ast.Sub)
            and type(left.op) is not type(node.op)
            and isinstance(left.right, ast.Constant)
            and left.right.value == value
        )
        return undone or value == 0
    return isinstance(node.op, ast.Mult | ast.Div | ast.FloorDiv) and value == 1


def _support(trusts: Sequence[float], ballot: Ballot) -> list[float]:
    """For each patch, how much of all trust agrees with it on the inputs in dispute."""
    disputed = ballot.disputed()
    voters = list(ballot.answers)
    whole = sum(trusts[n] for n in voters)
    support = [1.0] * len(trusts)
    if not disputed or whole <= 0:
        return support
    for one in voters:
        mine = ballot.answers[one]
        agreed = sum(
            trusts[other] * sum(mine[n] == ballot.answers[other][n] for n in disputed)
            for other in voters
        )
        late = sum(mine[n] == "late" for n in disputed)
        support[one] = agreed / (whole * len(disputed)) * (1 - 0.5 * late / len(disputed))
    lowest = min(support[n] for n in voters)
    return [s if n in ballot.answers else lowest for n, s in enumerate(support)]


def difference(one: int, other: int, ballot: Ballot) -> dict[str, Any] | None:
    """The first input to which two patches give different answers."""
    mine, theirs = ballot.answers.get(one), ballot.answers.get(other)
    if mine is None or theirs is None:
        return None
    for text, a, b in zip(ballot.inputs, mine, theirs, strict=True):
        if a != b:
            return {"input": text, "chosen": a[:200], "other": b[:200]}
    return None


def _distinct(patches: Sequence[Patch]) -> list[Patch]:
    """Patches that differ in more than brackets and blanks."""
    seen: set[str] = set()
    found = []
    for patch in patches:
        key = "".join(f"{p}:{ast.dump(ast.parse(t))}" for p, t in sorted(patch.texts.items()))
        if key not in seen:
            seen.add(key)
            found.append(patch)
    return found
