"""A proposal as people see it: evidence, and what speaks against it."""

from __future__ import annotations

from ..domain.canonical import JsonObject
from ..domain.proposal import Evidence, GateVerdict, ProposalStatus
from ..domain.proposal_record import ProposalRecord
from .another_yes import another_yes


def proposal_to_json(record: ProposalRecord) -> JsonObject:
    draft, evidence = record.draft, record.evidence
    gates = [gate.to_json() for gate in evidence.gates] if evidence else []
    return {
        "id": record.id,
        "title": record.title,
        "reason": record.reason,
        "status": str(record.status),
        "capability": record.capability,
        "risk": draft.risk.name if draft else "",
        "digest": record.digest,
        "diff": draft.diff if draft else "",
        "base_tree": draft.base_tree if draft else "",
        "candidate_tree": draft.candidate_tree if draft else "",
        "files": list(draft.changes.paths) if draft else [],
        "gates": gates,
        "tier": evidence.tier if evidence else "",
        "contract": record.contract.to_json(),
        "case_against": case_against(record),
        "drafted_by": record.drafted_by,
        "follows": record.follows,
        "answers": list(record.answers),
        "comments": list(record.comments),
        "rules": list(record.rules),
        "ruling": record.ruling,
        "created_at": record.created_at,
        "judged_at": record.judged_at,
        "expires_at": record.expires_at,
        "approval": record.approval.to_json() if record.approval else None,
        "people": record.quorum.people,
        "signed_by": [each.granted_by for each in record.yeses],
        "waits_for": waits_for(record),
        "looked_seconds": record.looked_seconds,
        "lines": draft.diff.count("\n") if draft else 0,
        "decided_by": record.decided_by,
        "decision_reason": record.decision_reason,
        "commit": record.commit,
        "run": record.run,
    }


def waits_for(record: ProposalRecord) -> str:
    """What a yes to it still lacks, once somebody has said it; else empty."""
    if record.status is not ProposalStatus.SIGNED:
        return ""
    return another_yes(record.quorum, record.yeses)


def case_against(record: ProposalRecord) -> list[str]:
    """The strongest reasons to say no, from the evidence itself."""
    evidence = record.evidence
    if evidence is None:
        return ["nothing was measured yet"]
    said = [
        f"gate “{gate.name}” says {gate.verdict}: {gate.summary}"
        for gate in evidence.gates
        if gate.verdict is not GateVerdict.PASS
    ]
    if others := record.contract.alternatives:
        patches = "patch" if others == 1 else "patches"
        said.append(f"{others} other {patches} passed the same tests, which do not tell them apart")
    cases = len(record.contract.cause)
    failures = "failure" if cases == 1 else "failures"
    said.append(f"it rests on {cases} recorded {failures} and on the tests there are")
    said += _flags(evidence)
    if evidence.tier != "FULL":
        said.append(f"it was measured in the {evidence.tier} tier of the sandbox, not in FULL")
    return said


def _flags(evidence: Evidence) -> list[str]:
    """What passed and still deserves a look: circumstances it reads, how far a file has come."""
    facts = {gate.name: gate.facts for gate in evidence.gates}
    looks = facts.get("capability delta", {}).get("flagged", [])
    said = [f"it {', '.join(looks)}: what it does may depend on when and where"] if looks else []
    for path, walked in facts.get("surface", {}).get("since_first", {}).items():
        if walked["steps"]:
            steps = len(walked["steps"])
            said.append(
                f"{path} has come {walked['lines']} lines from its first version, "
                f"in {steps} earlier step{'s' * (steps > 1)}"
            )
    return said
