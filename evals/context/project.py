"""A Python project of the usual size, made anew each time: modules, tests, six planted bugs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "ledger"
_VERBS = ("charge", "settle", "split", "round", "convert", "accrue", "refund", "levy", "post")
_NOUNS = (
    "fee",
    "invoice",
    "deposit",
    "transfer",
    "interest",
    "discount",
    "voucher",
    "balance",
    "payout",
    "margin",
    "tariff",
    "credit",
)
_MODULES = (
    ("billing", 29_000),
    ("payouts", 23_000),
    ("statements", 17_000),
    ("customers", 11_500),
    ("discounts", 10_500),
    ("loans", 9_500),
    ("vouchers", 8_000),
    ("transfers", 6_500),
    ("accounts", 5_000),
    ("calendar", 3_000),
    ("labels", 2_000),
)
_BUGGY = ("billing", "statements", "customers", "discounts", "loans", "transfers")
_TESTS_EACH = 14
_MORE_TESTS = 6
"""Of a buggy function: one bug breaks many tests."""
_CHANGELOG = "# Changelog\n\n## Unreleased {code}\n\n- Payouts are split by day.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the project, and what it should say."""

    module: str
    name: str
    noun: str
    rate: str
    factor: int
    is_wrong: bool = False

    @property
    def path(self) -> str:
        return f"{PACKAGE}/{self.module}.py"

    @property
    def test_path(self) -> str:
        return f"tests/test_{self.module}.py"

    @property
    def wrong_line(self) -> str:
        return f"    return {self.noun}_base - {self.noun}_extra"

    @property
    def right_line(self) -> str:
        return f"    return {self.noun}_base + {self.noun}_extra * {self.rate}"

    @property
    def test_line(self) -> str:
        return f"    assert {self.name}(120, 7) == {{}}  # with {self.rate}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The files, and what is wrong in them."""

    files: dict[str, str]
    bugs: tuple[Function, ...]
    expected: dict[str, int]
    """By the name of a buggy function: what its test wants."""
    code: str
    """A word that stands in the changelog only."""

    def write(self, folder: Path) -> Path:
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder


def make_project(seed: int) -> Project:
    """The same one for the same seed."""
    chance = random.Random(seed)  # noqa: S311
    rates = {
        f"RATE_{noun.upper()}_{verb.upper()}": chance.randint(2, 9)
        for noun in _NOUNS
        for verb in _VERBS[:5]
    }
    files = {
        "README.md": _readme(chance),
        "pyproject.toml": f'[project]\nname = "{PACKAGE}"\nversion = "1.4.0"\n',
        f"{PACKAGE}/__init__.py": '"""Money in whole cents."""\n',
        f"{PACKAGE}/rates.py": _rates(rates, chance),
        "conftest.py": '"""So that the tests find the package."""\n',
    }
    bugs: list[Function] = []
    expected: dict[str, int] = {}
    for module, size in _MODULES:
        functions = list(_functions(module, size, list(rates), chance))
        files[f"{PACKAGE}/{module}.py"] = _module(module, functions, chance)
        files[f"tests/test_{module}.py"] = _tests(functions, rates, chance)
        for each in functions:
            if each.is_wrong:
                bugs.append(each)
                expected[each.name] = _value(each, rates, 120, 7)
    code = f"LX{chance.randint(1000, 9999)}"
    files["CHANGELOG.md"] = _CHANGELOG.format(code=code)
    return Project(files=files, bugs=tuple(bugs), expected=expected, code=code)


def _functions(
    module: str, size: int, rates: list[str], chance: random.Random
) -> Iterator[Function]:
    count = max(3, size // 390)
    wrong = count // 2 if module in _BUGGY else -1
    names = [(verb, noun, n) for n in range(9) for verb in _VERBS for noun in _NOUNS]
    chance.shuffle(names)
    for number in range(count):
        verb, noun, turn = names[number]
        yield Function(
            module=module,
            name=f"{verb}_{noun}_{module}{turn}",
            noun=noun,
            rate=chance.choice(rates),
            factor=chance.randint(2, 40),
            is_wrong=number == wrong,
        )


def _value(function: Function, rates: dict[str, int], amount: int, count: int) -> int:
    extra = count * 3 - (count - 5 if count > 5 else 0)
    return amount * function.factor + extra * rates[function.rate]


def _module(module: str, functions: list[Function], chance: random.Random) -> str:
    used = sorted({each.rate for each in functions})
    imports = "".join(f"    {each},\n" for each in used)
    head = f'"""{module.title()}: {_sentence(chance)}"""\n\n'
    head += f"from {PACKAGE}.rates import (\n{imports})\n"
    return head + "".join(_definition(each, chance) for each in functions)


def _definition(function: Function, chance: random.Random) -> str:
    noun = function.noun
    last = function.wrong_line if function.is_wrong else function.right_line
    return (
        f"\n\ndef {function.name}(amount: int, count: int) -> int:\n"
        f'    """{_sentence(chance)}\n\n    {_sentence(chance)}\n    """\n'
        f"    {noun}_base = amount * {function.factor}\n"
        f"    {noun}_extra = count * 3\n"
        f"    if count > 5:\n"
        f"        {noun}_extra -= count - 5\n"
        f"{last}\n"
    )


def _tests(functions: list[Function], rates: dict[str, int], chance: random.Random) -> str:
    wrong = [each for each in functions if each.is_wrong]
    right = [each for each in functions if not each.is_wrong]
    tested = wrong + chance.sample(right, min(len(right), _TESTS_EACH - len(wrong)))
    names = "".join(f"    {each.name},\n" for each in tested)
    parts = [f"from {PACKAGE}.{functions[0].module} import (\n{names})\n"]
    for each in tested:
        value = _value(each, rates, 120, 7)
        if each.is_wrong:
            parts += [_more(each, rates, n, chance) for n in range(_MORE_TESTS)]
        parts.append(
            f"\n\ndef test_{each.name}() -> None:\n"
            f'    """{_sentence(chance)}"""\n'
            f"    assert {each.name}(0, 0) == 0\n"
            f"{each.test_line.format(value)}\n"
        )
    return "".join(parts)


def _more(function: Function, rates: dict[str, int], number: int, chance: random.Random) -> str:
    amount, count = chance.randint(10, 900), number + 6
    value = _value(function, rates, amount, count)
    return (
        f"\n\ndef test_{function.name}_{number}() -> None:\n"
        f'    """{_sentence(chance)}"""\n'
        f"    assert {function.name}({amount}, {count}) == {value}\n"
    )


def _rates(rates: dict[str, int], chance: random.Random) -> str:
    lines = [f"# {_sentence(chance)}\n{name} = {value}\n" for name, value in rates.items()]
    return '"""Every rate of the house, in cents."""\n\n' + "\n".join(lines)


def _readme(chance: random.Random) -> str:
    return "# Ledger\n\n" + "\n\n".join(
        " ".join(_sentence(chance) for _ in range(4)) for _ in range(8)
    )


_TALK = """
amount account after before booked carried cents closed counted customer daily due each early
entry from given house kept late monthly never once only other paid party period rate rounded
rule share split sum than that the then to total under until what whole with
"""
_WORDS = tuple(_TALK.split())


def _sentence(chance: random.Random) -> str:
    words = [chance.choice(_WORDS) for _ in range(chance.randint(7, 13))]
    return f"{' '.join(words).capitalize()}."
