"""Which tier a run gets, and why not a better one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from autoclave.domain.errors import SandboxUnavailable
from autoclave.domain.sealed import Probe, SealedRun, SelfTest, Tier
from autoclave.sandbox import launching
from autoclave.sandbox.sealed import SealedSandbox
from autoclave.service.home import init_home
from autoclave.wiring import open_control

TRUE = ("true",)
TryEscapes = Callable[[SealedSandbox, Tier], Awaitable[SelfTest]]


def leaky(*leaking: Tier) -> TryEscapes:
    """A self-test in which a probe gets out of these tiers."""

    async def test(_: SealedSandbox, tier: Tier) -> SelfTest:
        probe = Probe(name="read_secret", must_fail=True, succeeded=tier in leaking)
        return SelfTest(tier=tier, probes=(probe,), facts={}, seconds=0.0)

    return test


@pytest.fixture
def tested(tmp_path: Path, sandbox: SealedSandbox) -> SealedSandbox:
    """A sandbox that insists on its self-test, on a machine that has both tiers."""
    if sandbox.tiers() != tuple(Tier):
        pytest.skip("this machine does not have both tiers")
    return SealedSandbox(base=tmp_path)


def test_tiers_are_found_by_doing(sandbox: SealedSandbox) -> None:
    """RESTRICTED is had here, and a better one comes before it."""
    assert sandbox.tiers()[-1] is Tier.RESTRICTED


async def test_the_best_tier_is_taken(tested: SealedSandbox) -> None:
    """Who asks for nothing gets FULL, and is told so."""
    with tested.scratch() as folder:
        result = await tested.run(SealedRun(argv=TRUE, folder=folder))

    assert (result.ok, result.tier) == (True, Tier.FULL)


@pytest.mark.parametrize("asked", list(Tier))
async def test_the_tier_asked_for_is_given(tested: SealedSandbox, asked: Tier) -> None:
    """And its own self-test comes first."""
    with tested.scratch() as folder:
        result = await tested.run(SealedRun(argv=TRUE, folder=folder, tier=asked))

    assert (result.ok, result.tier) == (True, asked)


async def test_a_leak_in_the_full_tier_downgrades(
    tested: SealedSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next tier is taken, and the facts name the probe."""
    monkeypatch.setattr("autoclave.sandbox.selftest.try_escapes", leaky(Tier.FULL))

    test = await tested.self_test()
    with tested.scratch() as folder:
        result = await tested.run(SealedRun(argv=TRUE, folder=folder))

    assert (test.tier, test.ok, result.tier) == (Tier.RESTRICTED, True, Tier.RESTRICTED)
    assert "read_secret" in test.facts["FULL"]
    assert tested.tiers() == (Tier.RESTRICTED,)


async def test_a_tier_that_leaks_is_refused_to_who_insists_on_it(
    tested: SealedSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking for FULL by name never gets less, before and after the leak is known."""
    monkeypatch.setattr("autoclave.sandbox.selftest.try_escapes", leaky(Tier.FULL))

    for _ in range(2):
        with tested.scratch() as folder, pytest.raises(SandboxUnavailable, match="read_secret"):
            await tested.run(SealedRun(argv=TRUE, folder=folder, tier=Tier.FULL))


async def test_leaks_everywhere_refuse_every_run(
    tested: SealedSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a probe gets out of the last tier too, nothing runs."""
    monkeypatch.setattr("autoclave.sandbox.selftest.try_escapes", leaky(*Tier))

    test = await tested.self_test()

    assert not test.ok
    with tested.scratch() as folder, pytest.raises(SandboxUnavailable, match="nothing was run"):
        await tested.run(SealedRun(argv=TRUE, folder=folder))


async def test_a_full_tier_that_cannot_be_set_up_downgrades(
    tested: SealedSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts name the step."""
    launch = launching.launch

    async def without_namespaces(order: dict[str, object], stdin: bytes) -> object:
        if order["tier"] == "FULL":
            raise SandboxUnavailable("the step 'own user namespace' failed (ENOSPC)")
        return await launch(order, stdin)

    monkeypatch.setattr("autoclave.sandbox.sealed.launch", without_namespaces)

    test = await tested.self_test()

    assert (test.tier, test.ok) == (Tier.RESTRICTED, True)
    assert "own user namespace" in test.facts["FULL"]


async def test_rules_that_want_the_full_tier_are_not_given_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sandbox: FULL` in the rules of a home: where FULL leaks, nothing is run in RESTRICTED."""
    monkeypatch.setattr("autoclave.sandbox.selftest.try_escapes", leaky(Tier.FULL))
    home = init_home(tmp_path / "home").home
    text = home.rules.read_text()
    assert "sandbox: RESTRICTED" in text
    home.rules.write_text(text.replace("sandbox: RESTRICTED", "sandbox: FULL"))

    control = open_control(home)
    try:
        with pytest.raises(SandboxUnavailable, match="FULL"):
            await control.sandbox_run(TRUE, None, None)
    finally:
        await control.aclose()
