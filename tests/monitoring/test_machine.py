"""The checks of this very machine, and of others that one can imagine."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoclave.monitoring.health import Health, check_health
from autoclave.monitoring.machine import (
    check_clock,
    check_git,
    check_python,
    check_write_access,
    machine_probes,
)


async def test_a_machine_that_runs_these_tests_fails_nothing(tmp_path: Path) -> None:
    """Every probe answers with its own name and a detail."""
    probes = machine_probes(tmp_path)

    report = await check_health(probes)

    assert [check.name for check in report.checks] == [probe.name for probe in probes]
    assert all(check.detail for check in report.checks)
    assert report.ok, [check for check in report.checks if check.verdict is Health.FAIL]


def test_an_old_python_fails() -> None:
    """It says which it is and what is needed."""
    found = check_python((3, 10, 4))

    assert (found.verdict, found.fix) == (Health.FAIL, "install Python 3.11 or newer")


def test_a_clock_behind_the_journal_fails() -> None:
    """Approvals expire by the clock, so it has to be right."""
    assert check_clock(newest_event_at=2e9, now=1.9e9).verdict is Health.FAIL
    assert check_clock(newest_event_at=1.9e9, now=1.9e9 - 1).verdict is Health.OK


def test_a_folder_that_is_gone_cannot_be_written(tmp_path: Path) -> None:
    """The system's own reason is passed on."""
    found = check_write_access(tmp_path / "gone")

    assert found.verdict is Health.FAIL
    assert "No such file" in found.detail


def test_without_git_nothing_could_be_undone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An empty PATH has no git."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert check_git().verdict is Health.FAIL
