"""The one judge of actions: the rules in force, and what holds while their file is broken."""

from __future__ import annotations

from dataclasses import replace

from ..domain.canonical import JsonObject, digest
from ..domain.errors import ConfigurationInvalid
from ..domain.risk import Action, Origin, Risk, Ruling, Verdict
from .attributes import least_risk
from .escalation import escalation
from .evaluate import evaluate, explain
from .policy import Policy
from .rule import UNFORESEEN
from .safety_rules import SafetyRules

SAFE_MODE = "safe-mode"
UNJUDGED = "cannot-be-judged"
_FORMLESS = (*UNFORESEEN, RecursionError)


class PolicyGate:
    """A Gatekeeper over one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._digest = policy.digest
        self._broken: ConfigurationInvalid | None = None

    @property
    def policy(self) -> Policy:
        """The last good policy."""
        return self._policy

    @property
    def broken(self) -> ConfigurationInvalid | None:
        """What is wrong with the rule file, when safe mode is on."""
        return self._broken

    @property
    def digest(self) -> str:
        """Another one in safe mode, so that no approval from before it holds during it."""
        if self._broken is None:
            return self._digest
        return digest([SAFE_MODE, self._digest])

    def judge(self, action: Action) -> Ruling:
        """What the rules say. Never raises: what can't be judged is denied."""
        try:
            _check_form(action)
            ruling = evaluate(self._policy, action, rules_digest=self.digest)
            return self._in_safe_mode(action, ruling) if self._broken else ruling
        except _FORMLESS as error:
            return Ruling(
                verdict=Verdict.DENY,
                risk=Risk.R5,
                rules=(UNJUDGED,),
                reason=f"this action has no form that can be judged: {str(error)[:200]}",
                action_digest="",
                rules_digest=self.digest,
            )

    def escalation(self, denied: tuple[str, ...]) -> str:
        """Why a run in which these kinds of actions were denied has to wait for a person."""
        return escalation(denied, self._policy.escalation)

    def explain(self, action: Action) -> list[JsonObject]:
        """Each rule with whether it matched and why; empty for what has no form."""
        try:
            return explain(self._policy, action)
        except _FORMLESS:
            return []

    def reload(self) -> ConfigurationInvalid | None:
        """Read the file again. A broken one changes nothing but puts safe mode on.

        The error, or None when the file is good.
        """
        if self._policy.source is None:
            return None
        try:
            policy = SafetyRules.load(self._policy.source, tighter=self._policy.tighter)
        except ConfigurationInvalid as error:
            self._broken = error
            return error
        self._policy, self._digest, self._broken = policy, policy.digest, None
        return None

    def _in_safe_mode(self, action: Action, ruling: Ruling) -> Ruling:
        """Only looking goes on, and only where the last good rules allow it."""
        only_looks = least_risk(action.kind) is Risk.R0 and ruling.risk is Risk.R0
        if only_looks or ruling.verdict is Verdict.DENY:
            return ruling
        return replace(
            ruling,
            verdict=Verdict.DENY,
            rules=(SAFE_MODE,),
            reason=f"the rule file is broken, so nothing is changed: {self._broken}",
        )


def _check_form(action: Action) -> None:
    """Raise TypeError or ValueError for what types forbid and a bug could still bring."""
    if not isinstance(action.kind, str) or not isinstance(action.target, str):
        raise TypeError("kind and target have to be texts")
    if not isinstance(action.attributes, dict):
        raise TypeError("attributes have to be a mapping")
    for origin in action.origins:
        Origin(origin)
