"""How checks add up, and what a check that breaks does to the others."""

from __future__ import annotations

import asyncio

import pytest

from autoclave.domain.errors import SandboxUnavailable
from autoclave.monitoring.health import Check, Health, HealthReport, Probe, check_health


def _check(verdict: Health) -> Check:
    return Check(name="a", verdict=verdict, detail="")


async def test_checks_come_back_in_the_order_of_the_probes() -> None:
    """Plain and asynchronous probes may be mixed."""

    async def slowly() -> Check:
        await asyncio.sleep(0)
        return Check(name="second", verdict=Health.OK, detail="")

    probes = [
        Probe(name="first", look=lambda: Check(name="first", verdict=Health.OK, detail="")),
        Probe(name="second", look=slowly),
    ]

    report = await check_health(probes)

    assert [check.name for check in report.checks] == ["first", "second"]


async def test_a_probe_that_raises_is_a_failed_check_with_its_hint() -> None:
    """The rest is still looked at."""

    def broken() -> Check:
        raise SandboxUnavailable("no tier can be had", hint="use a newer kernel")

    after = Probe(name="after", look=lambda: _check(Health.OK))
    report = await check_health([Probe(name="sandbox", look=broken), after])

    assert report.checks[0] == Check(
        name="sandbox", verdict=Health.FAIL, detail="no tier can be had", fix="use a newer kernel"
    )
    assert report.checks[1].verdict is Health.OK


async def test_a_file_that_cannot_be_read_is_a_failed_check() -> None:
    """An error of the system is news about the machine."""

    def unreadable() -> Check:
        raise PermissionError(13, "Permission denied", "/a/file")

    report = await check_health([Probe(name="key", look=unreadable)])

    assert report.checks[0].verdict is Health.FAIL
    assert "/a/file" in report.checks[0].detail


async def test_a_probe_that_hangs_is_not_checked() -> None:
    """What could not be found out is neither well nor ill."""

    async def forever() -> Check:
        await asyncio.Event().wait()
        raise AssertionError("never")

    report = await check_health([Probe(name="slow", look=forever)], timeout_seconds=0.01)

    assert report.checks[0].verdict is Health.NOT_CHECKED


@pytest.mark.parametrize(
    ("verdict", "ok"),
    [(Health.OK, True), (Health.WARN, True), (Health.NOT_CHECKED, True), (Health.FAIL, False)],
)
def test_only_a_failed_check_makes_a_report_ill(verdict: Health, ok: bool) -> None:
    """Warnings are advice."""
    assert HealthReport((_check(Health.OK), _check(verdict))).ok is ok
