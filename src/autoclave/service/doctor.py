"""What `doctor` looks at beyond the machine: the journal, the rules, the sandbox, the body."""

from __future__ import annotations

import asyncio
import time

from ..core.escalating import how_to_resume
from ..core.home_lock import probe
from ..core.journal import SqlJournal
from ..core.parts import Parts
from ..domain.errors import AutoclaveError, SandboxUnavailable
from ..domain.events import EventKind
from ..domain.standing import PauseCode
from ..governance.gate import PolicyGate
from ..monitoring.health import Check, Health, Probe
from .body import Body
from .history import summarise
from .home import Home

_INCIDENT_SECONDS = 7 * 86_400.0


def agent_probes(
    home: Home, parts: Parts, journal: SqlJournal, gate: PolicyGate, body: Body
) -> tuple[Probe, ...]:
    """One probe for each part of the agent."""

    async def look_at_journal() -> Check:
        # The whole chain is read: nothing else may have to wait for that.
        return await asyncio.to_thread(_journal, journal)

    async def look_at_sandbox() -> Check:
        return await _sandbox(parts)

    async def look_at_body() -> Check:
        await body.refresh()
        return _capabilities(body)

    return (
        Probe(name="journal", look=look_at_journal),
        Probe(name="incidents", look=lambda: _incidents(journal)),
        Probe(name="rules", look=lambda: _rules(gate)),
        Probe(name="sandbox", look=look_at_sandbox),
        Probe(name="mind", look=lambda: _mind(parts)),
        Probe(name="capabilities", look=look_at_body),
        Probe(name="lineage", look=lambda: _lineage(parts)),
        Probe(name="agent process", look=lambda: _process(home)),
        Probe(name="pause", look=lambda: _pause(parts)),
    )


def _journal(journal: SqlJournal) -> Check:
    seen = journal.verify()
    if seen.ok:
        said = f"{seen.events} events verify; anchor: {seen.anchor}"
        return Check(name="journal", verdict=Health.OK, detail=said)
    fix = "see `autoclave audit verify`, then `autoclave checkpoint list`"
    return Check(name="journal", verdict=Health.FAIL, detail=seen.reason, fix=fix)


def _incidents(journal: SqlJournal) -> Check:
    """Of the last week: what is older was looked at, or never will be."""
    since = time.time() - _INCIDENT_SECONDS
    found = journal.of_kind(EventKind.INCIDENT_RECORDED)
    recent = [summarise(event) for event in found if event.at >= since]
    if not recent:
        said = f"none in the last 7 days, {len(found)} in all"
        return Check(name="incidents", verdict=Health.OK, detail=said)
    said = f"{len(recent)} in the last 7 days; the newest: {recent[-1]}"
    fix = "see `autoclave audit incidents`"
    return Check(name="incidents", verdict=Health.WARN, detail=said, fix=fix)


def _rules(gate: PolicyGate) -> Check:
    broken = gate.reload()
    if broken is not None:
        return Check(name="rules", verdict=Health.FAIL, detail=broken.message, fix=broken.hint)
    said = f"{len(gate.policy.all_rules)} rules, digest {gate.digest[:12]}"
    return Check(name="rules", verdict=Health.OK, detail=said)


async def _sandbox(parts: Parts) -> Check:
    try:
        test = await parts.sandbox.self_test()
    except SandboxUnavailable as error:
        return Check(name="sandbox", verdict=Health.FAIL, detail=error.message, fix=error.hint)
    failed = [probe.name for probe in test.probes if not probe.passed]
    if failed:
        said = f"{test.tier} leaks: {', '.join(failed)}"
        fix = "nothing will be run; report this with `autoclave sandbox test --json`"
        return Check(name="sandbox", verdict=Health.FAIL, detail=said, fix=fix)
    note = test.facts.get("note", "")
    said = f"{test.tier}: {len(test.probes)} probes pass" + (f"; {note}" if note else "")
    return Check(name="sandbox", verdict=Health.OK, detail=said)


async def _mind(parts: Parts) -> Check:
    """Whether it answers, sealed, to the first view of any run."""
    view = {"run": {"state": "IDLE", "text": "are you there?"}}
    try:
        await parts.mind.decide(view)
    except AutoclaveError as error:
        fix = "undo its last change, or make the home again with `autoclave init`"
        return Check(name="mind", verdict=Health.FAIL, detail=error.message, fix=fix)
    said = f"answers, sealed; its tree is {parts.mind.tree[:12]}"
    return Check(name="mind", verdict=Health.OK, detail=said)


def _capabilities(body: Body) -> Check:
    refused = body.toolbox.registry.refused
    unusable = [f"{each.name}: {each.error}" for each in body.broken]
    unusable += [f"{name}: {why}" for name, why in refused.items()]
    said = f"{len(body.toolbox.manifests())} are offered"
    if unusable:
        fix = "see `autoclave capability list`; enrol a changed one with `capability add`"
        detail = f"{said}; not usable: {'; '.join(unusable)}"
        return Check(name="capabilities", verdict=Health.WARN, detail=detail, fix=fix)
    return Check(name="capabilities", verdict=Health.OK, detail=said)


def _lineage(parts: Parts) -> Check:
    commits = parts.workshop.lineage()
    said = f"{len(commits)} commits" if commits else "no change was applied yet"
    return Check(name="lineage", verdict=Health.OK, detail=said)


def _pause(parts: Parts) -> Check:
    standing = parts.standing()
    if not standing.is_paused:
        said = "the agent is not paused"
        return Check(name="pause", verdict=Health.OK, detail=said)
    is_alarm = standing.code is PauseCode.ESCALATED
    return Check(
        name="pause",
        verdict=Health.FAIL if is_alarm else Health.WARN,
        detail=f"the agent is {standing}",
        fix=how_to_resume(standing),
    )


def _process(home: Home) -> Check:
    pid = probe(home.lock)
    said = "none runs on this home" if pid is None else f"runs with pid {pid}"
    return Check(name="agent process", verdict=Health.OK, detail=said)
