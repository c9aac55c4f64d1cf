"""What a yes that was given beforehand answers, and what has to be asked all the same."""

from __future__ import annotations

from ..domain.risk import Action, Origin, Risk, Ruling, Verdict

_NEVER_BEFOREHAND = Risk.R4


def answer_upto(ruling: Ruling, action: Action, allow_up_to: Risk, *, most: Risk = Risk.R3) -> bool:
    """Whether a yes given beforehand, such as `--yes-up-to R1`, answers this question.

    Never for R4 and above, never where two people have to say it, never where a web page chose the
    target, never for R0 as the limit (that is what "no yes was given" looks like), and only for
    the action that was judged.
    """
    limit = min(allow_up_to, most)
    return (
        ruling.verdict is Verdict.ASK
        and ruling.action_digest == action.digest
        and limit > Risk.R0
        and ruling.risk <= limit
        and ruling.risk < _NEVER_BEFOREHAND
        and ruling.quorum.people == 1
        and bool(action.origins)
        and Origin.WEB not in action.origins
    )
