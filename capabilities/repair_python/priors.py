"""How likely each family of operators is to hold the fix, before and after experience."""

from __future__ import annotations

from collections.abc import Mapping

SHARES: dict[str, float] = {
    "compare": 12,
    "arithmetic": 6,
    "logic": 3,
    "negate": 4,
    "swap_operands": 4,
    "drop_operand": 3,
    "constant": 10,
    "off_by_one": 10,
    "slice": 3,
    "range": 3,
    "default": 1.5,
    "argument": 8,
    "callee": 5,
    "wrap": 4,
    "unwrap": 4,
    "literal": 1.5,
    "name": 10,
    "attribute": 3,
    "target": 3,
    "order": 2,
    "key": 2,
    "compose": 5,
    "strengthen": 5,
    "test": 4,
    "answer": 1.5,
    "generate": 1.5,
    "guard": 5,
    "wrap_in_if": 0.7,
    "loosen": 2,
    "delete": 3,
    "move": 4,
    "copy": 4,
    "jump": 4,
    "donor": 4,
    "compare:Lt": 5,
    "compare:LtE": 5,
    "compare:Gt": 5,
    "compare:GtE": 5,
    "compare:Eq": 3,
    "compare:NotEq": 3,
    "off_by_one:Call": 2,
    "off_by_one:BinOp": 1,
    "negate:minus": 0.3,
    "negate:truth": 1.5,
    "callee:donor": 1,
    "wrap:suffix": 0.7,
    "unwrap:uncall": 0.2,
    "guard:raise": 0.5,
    "compose:extreme": 1.5,
    "strengthen:before": 0.5,
}
"""Shares of fixes by family. A key with a node, `family:node`, overrides its family's."""

_TRUST = 20.0
"""Weight of the shares above, in solved cases."""


def share(operator: str, priors: Mapping[str, list[int]]) -> float:
    """The part of all fixes expected from one `family:node`, experience included."""
    tried, succeeded = (priors.get(operator) or [0, 0])[:2]
    solved = sum(pair[1] for pair in priors.values())
    base = _base(operator)
    learned = (succeeded + _TRUST * base) / (solved + _TRUST)
    return learned * (1 + succeeded) / (1 + succeeded + tried / 5000)


def _base(operator: str) -> float:
    family = operator.split(":")[0]
    total = sum(SHARES[f] for f in SHARES if ":" not in f)
    if operator in SHARES:
        return SHARES[operator] / total
    return SHARES.get(family, 1.0) / 2 / total
