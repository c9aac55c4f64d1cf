"""The rule file of a home: read whole or refused whole, and tried on its own examples."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

from ..domain.errors import ConfigurationInvalid
from ..domain.risk import Action, Verdict
from .evaluate import evaluate
from .globs import Answer
from .policy import Policy
from .reading import read_cases, read_policy
from .rule import Rule
from .yaml_loader import MOST_BYTES, Document, load_strict

_HINT = "correct the file, or take the one that `autoclave init` makes"


class SafetyRules:
    """How a policy comes from files."""

    @staticmethod
    def load(path: Path, *, tighter: tuple[Path, ...] = ()) -> Policy:
        """The policy of the file at `path`, tightened by less trusted files.

        Of a tighter file only what denies or asks counts. Raises ConfigurationInvalid with
        file, line and column for anything that is wrong in any of them.
        """
        policy = SafetyRules.parse(read_file(path), source=path)
        for extra in tighter:
            added = SafetyRules.parse(read_file(extra), source=extra)
            policy = policy.tightened(added.rules)
        return replace(policy, tighter=tighter)

    @staticmethod
    def parse(data: bytes, *, source: Path) -> Policy:
        """The same for bytes that were read already."""
        document = load_strict(data, name=source.name)
        policy = replace(read_policy(document), source=source)
        for number, rule in enumerate(policy.rules):
            _try_examples(document, number, rule)
        _try_cases(document, policy)
        return policy


def read_file(path: Path) -> bytes:
    """The bytes of a regular file of a reasonable size. Raises ConfigurationInvalid."""
    try:
        # Without O_NONBLOCK a pipe in the file's place would hold the agent for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigurationInvalid(f"{path}: is not a regular file", hint=_HINT)
            return os.read(descriptor, MOST_BYTES + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationInvalid(f"{path}: cannot be read: {why}", hint=_HINT) from error


def _try_examples(document: Document, number: int, rule: Rule) -> None:
    expected = (("match", rule.match, Answer.YES), ("not_match", rule.not_match, Answer.NO))
    for name, examples, wanted in expected:
        for position, action in enumerate(examples):
            answer, why = rule.ask(action)
            if answer is not wanted:
                problem = f"{rule.id} should {_SHOULD[wanted]} this example, but {why}"
                raise document.error(("rules", number, name, position), problem)
    _check_near_miss(document, number, rule)


_SHOULD = {Answer.YES: "match", Answer.NO: "not match"}


def _check_near_miss(document: Document, number: int, rule: Rule) -> None:
    """An example of another kind shows nothing about the conditions of a rule that has some."""
    if rule.when.conditions and rule.not_match:
        if any(rule.when.covers(action.kind) for action in rule.not_match):
            return
        problem = f"{rule.id} has conditions, so one `not_match` has to be of a kind it is about"
        raise document.error(("rules", number, "not_match"), problem)


def _try_cases(document: Document, policy: Policy) -> None:
    for number, (action, expected, by) in enumerate(read_cases(document)):
        if problem := _case_problem(policy, action, expected, by):
            raise document.error(("tests", number), f"this test fails: {problem}")


def _case_problem(policy: Policy, action: Action, expected: Verdict, by: list[str] | None) -> str:
    ruling = evaluate(policy, action)
    decided = ", ".join(ruling.rules)
    if ruling.verdict is not expected:
        return f"expected {expected}, it is {ruling.verdict} by {decided}: {ruling.reason}"
    if by is not None and sorted(by) != sorted(ruling.rules):
        return f"expected to be decided by {', '.join(by)}, it is by {decided}"
    return ""
