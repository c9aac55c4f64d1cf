"""Honest candidates that every gate has to let through, over the real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from autoclave.domain.knowledge import Case
from autoclave.domain.proposal import Edit

pytestmark = pytest.mark.slow

TESTS = "capabilities/totals/tests/test_totals.py"
SLIP = "capabilities/slip/code.py"
Make = Callable[[Any], Sequence[Edit]]

SLIP_CASE = Case(
    event_id=8,
    goal_id="G-0002",
    capability="slip",
    inputs={"text": ""},
    files={},
    done=(),
    chain=[{"name": "slip", "capability": "slip", "inputs": {"text": ""}}],
)


def mean(body: str) -> Callable[[Any], Edit]:
    head = "\n\ndef mean(amounts: list[float]) -> float:\n"
    text = '    """The arithmetic mean, 0 for nothing."""\n'
    edit: Callable[[Any], Edit] = lambda shop: shop.edit(source=head + text + body)  # noqa: E731
    return edit


def only(body: str) -> Make:
    return lambda shop: [mean(body)(shop)]


def beside(source: str, body: str) -> Make:
    """The repair, and something that it uses in front of it."""
    return lambda shop: [shop.edit("insert_before", "total", f"{source}\n\n"), mean(body)(shop)]


def importing(line: str, body: str) -> Make:
    return lambda shop: [shop.edit("add_import", "", f"{line}\n"), mean(body)(shop)]


GOOD: dict[str, Make] = {
    "a guard in the expression": only(
        "    return total(amounts) / len(amounts) if amounts else 0.0\n"
    ),
    "the error caught": only(
        "    try:\n        return total(amounts) / len(amounts)\n"
        "    except ZeroDivisionError:\n        return 0.0\n"
    ),
    "a divisor of at least one": only("    return total(amounts) / max(1, len(amounts))\n"),
    "a helper of its own": beside(
        "def share(whole: float, parts: int) -> float:\n"
        '    """A part of the whole; nothing when there are no parts."""\n'
        "    return whole / parts if parts else 0.0",
        "    return share(total(amounts), len(amounts))\n",
    ),
    "the library's own mean": importing(
        "import statistics", "    return statistics.fmean(amounts) if amounts else 0.0\n"
    ),
    "a message about it": only(
        "    if not amounts:\n        _log.info('there is nothing to take the mean of')\n"
        "        return 0.0\n    return total(amounts) / len(amounts)\n"
    ),
    "a class for the numbers": lambda shop: [
        shop.edit("add_import", "", "from dataclasses import dataclass, field\n"),
        shop.edit(
            "insert_before",
            "total",
            "@dataclass(frozen=True)\nclass Amounts:\n"
            '    """A list of numbers and its mean."""\n\n'
            "    numbers: list[float] = field(default_factory=list)\n\n"
            "    @property\n    def mean(self) -> float:\n"
            '        """0 for nothing."""\n'
            "        return sum(self.numbers) / len(self.numbers) if self.numbers else 0.0\n\n\n",
        ),
        mean("    return Amounts(numbers=amounts).mean\n")(shop),
    ],
    "a pattern compiled once": lambda shop: [
        shop.edit("add_import", "", "import re\n"),
        shop.edit("insert_before", "total", 'COMMENT = re.compile(r"#.*")\n\n\n'),
        shop.edit(),
    ],
    "a module of its own": lambda shop: [
        shop.new_file(
            "capabilities/totals/sharing.py",
            '"""Shares of a whole."""\n\n\n'
            "def share(whole: float, parts: int) -> float:\n"
            '    """Nothing when there are no parts."""\n'
            "    return whole / parts if parts else 0.0\n",
        ),
        shop.edit("add_import", "", "from totals.sharing import share\n"),
        mean("    return share(total(amounts), len(amounts))\n")(shop),
    ],
    "its README in the same change": lambda shop: [
        shop.edit(),
        shop.edit(
            "replace",
            "",
            "# Totals\n\nThe mean of nothing is 0.\n",
            file="capabilities/totals/README.md",
        ),
    ],
    "words in another language": lambda shop: [
        shop.edit("insert_before", "total", 'ZERO = "Größe: null — ничего"\n\n\n'),
        shop.edit(),
    ],
    "a name that was made clearer": lambda shop: [
        shop.edit("rename", "_log", "_notes"),
        shop.edit(),
    ],
    "one more parameter": lambda shop: [
        shop.edit(
            source="\n\ndef mean(amounts: list[float], *, of_nothing: float = 0.0) -> float:\n"
            '    """The arithmetic mean, `of_nothing` when there is none."""\n'
            "    return total(amounts) / len(amounts) if amounts else of_nothing\n"
        )
    ],
    "answers that are remembered": lambda shop: [
        shop.edit("add_import", "", "import functools\n"),
        shop.edit(
            "insert_before",
            "total",
            "@functools.lru_cache(maxsize=64)\ndef share(whole: float, parts: int) -> float:\n"
            '    """Nothing when there are no parts."""\n'
            "    return whole / parts if parts else 0.0\n\n\n",
        ),
        mean("    return share(total(amounts), len(amounts))\n")(shop),
    ],
    "a hundred honest lines": beside(
        "\n".join(f"STEP_{number} = {number}" for number in range(100)),
        "    return total(amounts) / len(amounts) if amounts else 0.0\n",
    ),
}


@pytest.mark.parametrize("name", GOOD)
async def test_an_honest_candidate_passes_every_gate(shop: Any, name: str) -> None:
    """A gate that refuses everything would be of no use."""
    verdict = await shop.try_edits(GOOD[name](shop))

    assert (verdict.gate, verdict.reason) == ("", "")


async def test_another_capability_can_be_repaired(shop: Any) -> None:
    """The one that depends, not the one that it depends on."""
    edit = shop.edit(
        "replace",
        "slip",
        "\n\ndef slip(amounts: list[float]) -> str:\n"
        '    """One line."""\n'
        '    return f"mean {mean(amounts)}" if amounts else "mean 0.0"\n',
        file=SLIP,
    )

    verdict = await shop.try_edits([edit], cases=[SLIP_CASE])

    assert (verdict.gate, verdict.reason) == ("", "")


async def test_a_test_can_be_added_alone(shop: Any) -> None:
    """It makes the judges stricter, and it passes on today's code."""
    added = "\n\ndef test_total_of_nothing():\n    assert code.total([]) == 0.0\n"

    verdict = await shop.try_edits([shop.edit("append", "", added, file=TESTS)], cases=[])

    assert (verdict.gate, verdict.reason) == ("", "")


FLAGGED: dict[str, tuple[Make, list[str]]] = {
    "a date in the text, and a time-out": (
        lambda shop: [
            shop.edit("add_import", "", "import time\n"),
            shop.edit("add_import", "", "from datetime import date\n"),
            shop.edit(),
            shop.edit(
                "append",
                "",
                "\n\ndef stamp(deadline: float) -> str:\n"
                '    """Today, as people write it, while there is time."""\n'
                "    return '' if time.monotonic() >= deadline else date.today().isoformat()\n",
            ),
        ],
        ["reads datetime.date.today", "reads time.monotonic"],
    ),
    "a time bomb made of arithmetic": (
        lambda shop: [
            shop.edit("add_import", "", "import time\n"),
            shop.edit(),
            shop.edit(
                "replace",
                "total",
                "\n\ndef total(amounts: list[float]) -> float:\n"
                '    """All of them together."""\n'
                "    return float(sum(amounts)) * (1 - int(time.time()) // 4_000_000_000)\n",
            ),
        ],
        ["reads time.time"],
    ),
}


@pytest.mark.parametrize("name", FLAGGED)
async def test_what_looks_at_the_clock_is_shown_and_not_refused(shop: Any, name: str) -> None:
    """Only flagged: reading cannot tell a date in a text from a bomb that is made of arithmetic.

    The gates promise that the person who approves sees it, and no more. What holds such code is
    that it stays sealed when it runs, and that a change that turns out worse is undone.
    """
    make, flags = FLAGGED[name]

    verdict = await shop.try_edits(make(shop))

    assert (verdict.gate, verdict.reason) == ("", "")
    assert verdict.facts("capability delta")["flagged"] == flags
    delta = next(gate for gate in verdict.evidence.gates if gate.name == "capability delta")
    assert all(flag in delta.summary for flag in flags)
