"""What becomes of a question when nobody is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoclave.domain.errors import NotAllowed
from autoclave.governance.attendance import check_may_ask
from autoclave.governance.policy import ApprovalTerms, Policy

DENY = Policy(approvals=ApprovalTerms(headless="deny"))


def test_question_waits_where_the_rules_say_so() -> None:
    """The usual terms: silence is a no, but only in the end."""
    check_may_ask(None, Policy(), attended=False)
    check_may_ask(None, replace(DENY, approvals=ApprovalTerms()), attended=False)


def test_question_is_refused_at_once_when_nobody_attends() -> None:
    """With the way out of it."""
    with pytest.raises(NotAllowed, match="nobody is there to ask") as refused:
        check_may_ask(None, DENY, attended=False)

    assert "headless_ask: queue" in refused.value.hint


def test_whoever_attends_is_asked() -> None:
    """The rule is about an empty room."""
    check_may_ask(None, DENY, attended=True)
