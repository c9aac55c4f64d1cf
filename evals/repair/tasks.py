"""One program with one seeded defect, tests that people would see, and tests held back."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

VISIBLE = 10
HELD_BACK = 60
_ORACLE = Path(__file__).with_name("oracle.py")

Case = tuple[str, str]
"""The arguments and the right result, both as literals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Files of a program, and which function in which of them a defect is put into."""

    files: dict[str, str]
    path: str
    function: str

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def text(self) -> str:
        return self.files[self.path]

    def changed(self, text: str) -> Program:
        return replace(self, files={**self.files, self.path: text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A defect to repair."""

    name: str
    right: Program
    wrong: Program
    visible: tuple[Case, ...]
    held_back: tuple[Case, ...]

    def files(self) -> dict[str, str]:
        test = test_text(self.wrong.module, self.wrong.function, self.visible)
        return {**self.wrong.files, "tests/test_it.py": test}


def test_text(module: str, function: str, cases: tuple[Case, ...]) -> str:
    rows = "\n".join(f"    ({arguments}, {expected})," for arguments, expected in cases)
    return (
        "from collections.abc import Iterator\n\n"
        f"import pytest\nfrom {module} import {function}\n\n"
        f"CASES = [\n{rows}\n]\n\n\n"
        '@pytest.mark.parametrize(("arguments", "expected"), CASES)\n'
        f"def test_{function}(arguments, expected):\n"
        f"    result = {function}(*arguments)\n"
        "    if isinstance(result, Iterator):\n"
        "        result = list(result)\n"
        "    assert result == expected\n"
    )


def make_task(name: str, right: Program, wrong: Program, inputs: list[str]) -> Task | None:
    """None when the tests can't tell the two apart, or nothing is left to hold back."""
    expected, got = answers(right, inputs), answers(wrong, inputs)
    cases = [
        ((arguments, good), good == bad)
        for arguments, good, bad in zip(inputs, expected, got, strict=True)
        if good is not None and _literal(good)
    ]
    differ = [case for case, same in cases if not same]
    agree = [case for case, same in cases if same]
    if not differ or len(differ) + len(agree) < VISIBLE * 2:
        return None
    shown = differ[: max(1, min(4, len(differ) // 2))]
    shown += agree[: VISIBLE - len(shown)]
    hidden = [case for case, _ in cases if case not in shown][:HELD_BACK]
    return Task(
        name=name,
        right=right,
        wrong=wrong,
        visible=tuple(shown),
        held_back=tuple(hidden),
    )


def inputs_from(expression: str, *, seed: str, count: int = 120) -> list[str]:
    """Distinct argument tuples as literals, from an expression over `r`."""
    r = random.Random(seed)  # noqa: S311
    code = compile(expression, "arguments", "eval")
    made = (repr(eval(code, {"r": r})) for _ in range(count))  # noqa: S307 (our own table)
    return list(dict.fromkeys(made))


def answers(program: Program, inputs: list[str]) -> list[str | None]:
    """What a program answers to each input, as literals; None for an error or none in time."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), program.files)
        order: dict[str, Any] = {"folder": folder, "inputs": inputs}
        order |= {"module": program.module, "function": program.function}
        run = subprocess.run(
            [sys.executable, "-I", "-B", str(_ORACLE)],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    heard: list[str | None] = [json.loads(line) for line in run.stdout.splitlines()]
    return heard + [None] * (len(inputs) - len(heard))


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def _literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True
