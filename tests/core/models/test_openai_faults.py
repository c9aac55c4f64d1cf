"""What chat-completions servers say of themselves in headers."""

from __future__ import annotations

import pytest

from autoclave.core.models.openai_faults import fault_of, quota_of
from autoclave.domain.model import Quota


@pytest.mark.parametrize(
    ("span", "seconds"),
    [("6m0s", 360.0), ("1h2m3.5s", 3723.5), ("20ms", 0.02), ("1s", 1.0), ("2m", 120.0)],
)
def test_the_quota_resets_in_so_long(span: str, seconds: float) -> None:
    """Spans are reckoned from now."""
    headers = {"x-ratelimit-remaining-tokens": "700", "x-ratelimit-reset-tokens": span}

    quota = quota_of(headers, now=1000.0)

    assert quota.tokens_left == 700
    assert quota.resets_at == pytest.approx(1000.0 + seconds)


@pytest.mark.parametrize("left", ["", "-1", "many", "٣"])
@pytest.mark.parametrize("span", ["", "soon", "2026-11-20T00:00:00Z", "1s "])
def test_other_spellings_say_nothing(left: str, span: str) -> None:
    """They are no error either."""
    headers = {"x-ratelimit-remaining-requests": left, "x-ratelimit-reset-requests": span}

    assert quota_of(headers, now=0.0) == Quota()


def test_whichever_ran_out_says_when_it_is_back() -> None:
    """Requests come back at another time than tokens."""
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1h0m0s",
        "x-ratelimit-reset-tokens": "1s",
    }

    assert quota_of(headers, now=0.0) == Quota(requests_left=0, resets_at=3600.0)


def test_a_bug_is_no_fault_of_the_server() -> None:
    """It goes on as it is."""
    with pytest.raises(ZeroDivisionError):
        fault_of(ZeroDivisionError(), model="m", usd=0.0)
