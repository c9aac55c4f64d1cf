"""Carrying something out to a host that is allowed, through the broker, under the shipped rules."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from autoclave.core.broker_actions import Step, network_action
from autoclave.domain.broker import NetworkCall
from autoclave.domain.capability import Manifest, Needs
from autoclave.domain.intents import Act, Effect
from autoclave.domain.risk import Risk, Ruling, Verdict
from autoclave.domain.run import Run
from autoclave.governance.gate import PolicyGate
from autoclave.governance.safety_rules import SafetyRules

RULES = Path(__file__).parents[2] / "safety_rules.yaml"
NAMED = "https://docs.example.org/guide"
STOLEN = base64.urlsafe_b64encode(b"what the workspace holds").decode().rstrip("=")


@pytest.fixture(scope="module")
def gate() -> PolicyGate:
    return PolicyGate(SafetyRules.load(RULES))


def judged(gate: PolicyGate, *, written: str = NAMED, **call: Any) -> Ruling:
    """What the rules say to a capability in the plan of a goal that names one page."""
    asked = NetworkCall(**{"url": NAMED, **call})
    intent = Act(step="read", capability="fetch_page", inputs={"url": asked.url})
    step = {"name": "read", "capability": "fetch_page", "inputs": intent.inputs, "after": []}
    run = Run(
        id="G-0001",
        text=f"read {written} and say what it is about",
        from_person=True,
        plan={"steps": [step], "signature": "s", "source": "composed"},
        plan_trusted=True,
    )
    manifest = Manifest(
        name="fetch_page",
        version="1.0.0",
        purpose="Reads a page.",
        inputs={},
        outputs={},
        effect=Effect.PURE,
        needs=Needs(network=("*",)),
        folder=Path(),
        tree="t",
    )
    about = Step(manifest=manifest, intent=intent, inputs=intent.inputs, key="G-0001-1")
    return gate.judge(network_action(run, about, asked, url=asked.url, place=asked.place))


def test_the_page_that_a_person_named_is_read(gate: PolicyGate) -> None:
    """Else the others would prove nothing."""
    assert judged(gate).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "call",
    [
        {"url": f"{NAMED}?q={STOLEN}"},
        {"url": f"{NAMED}/{STOLEN}"},
        {"url": f"https://{STOLEN.lower()[:20]}.docs.example.org/guide"},
        {"url": f"https://docs.example.org/{STOLEN}/guide"},
        {"headers": {"X-Note": STOLEN}},
        {"headers": {"Accept": "text/html", "User-Agent": STOLEN}},
        {"method": "POST", "body": STOLEN + "=" * (-len(STOLEN) % 4)},
        {"method": "PUT"},
        {"url": "https://evil.com/"},
        {"url": "https://docs.example.org.evil.com/guide"},
        {"url": "https://docs.example.org:8443/guide"},
    ],
)
def test_nothing_is_carried_out_unasked(gate: PolicyGate, call: dict[str, Any]) -> None:
    """Item 71: query, path, subdomain, header, body and method; each is a person's decision."""
    ruling = judged(gate, **call)

    assert ruling.verdict is Verdict.ASK
    assert ruling.risk is Risk.R4


def test_not_encrypted_is_a_question_and_with_a_secret_a_no(gate: PolicyGate) -> None:
    """Item 71: whoever stands between would learn it."""
    url = NAMED.replace("https", "http")

    assert judged(gate, url=url, written=url).verdict is Verdict.ASK
    assert judged(gate, url=url, written=url, secret="KEY").verdict is Verdict.DENY


def test_the_use_of_a_secret_is_a_question(gate: PolicyGate) -> None:
    """Item 71: also to the page that a person named."""
    ruling = judged(gate, secret="KEY")

    assert (ruling.verdict, ruling.rules) == (Verdict.ASK, ("look-at-the-use-of-secrets",))
