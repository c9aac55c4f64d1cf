"""Proposals as a reviewer needs them: the case against first, the evidence, the diff, the hash."""

from __future__ import annotations

from collections.abc import Sequence

from ...domain.canonical import JsonObject
from ...domain.text import show, show_line
from .paint import clip, diff, fields, moment, seconds, table, verdict


def proposal_list(proposals: Sequence[JsonObject]) -> str:
    rows = [
        [p["id"], p["status"], p.get("risk", ""), str(p.get("digest") or "")[:12], clip(p["title"])]
        for p in proposals
    ]
    hint = "No proposals. Look for opportunities: autoclave improve"
    listed = table(["id", "status", "risk", "hash", "title"], rows, empty=hint)
    signed = [standing(p) for p in proposals if p.get("waits_for")]
    return "\n".join([listed, *([""] if signed else []), *signed])


def standing(given: JsonObject) -> str:
    """How it stands, and what a yes to it still lacks."""
    said = f"{show_line(given['id'])} is {show_line(given['status'])}"
    waits_for = given.get("waits_for")
    return f"{said}: it waits for {show_line(waits_for)}" if waits_for else said


def proposal(given: JsonObject, *, color: bool) -> str:
    parts = [
        fields(
            {
                "proposal": given["id"],
                "title": given["title"],
                "status": given["status"],
                "risk": given.get("risk"),
                "reason": given.get("reason"),
                "drafted by": given.get("drafted_by"),
                "follows": given.get("follows"),
                "expires": moment(given["expires_at"]) if given.get("expires_at") else "",
                "signed": ", ".join(map(str, given.get("signed_by") or ())),
                "waits for": given.get("waits_for"),
                "approved": _reading(given),
                "commit": given.get("commit"),
            }
        ),
        *_case_against(given.get("case_against") or []),
        *_answers(given.get("answers") or []),
        "",
        gates(given.get("gates") or [], color=color),
        *_contract(given.get("contract") or {}),
        "",
        diff(given.get("diff") or "", color=color),
        "",
        f"hash  {show_line(str(given.get('digest') or 'none yet'))}",
    ]
    return "\n".join(parts)


def gates(judged: Sequence[JsonObject], *, color: bool) -> str:
    """One line per gate."""
    if not judged:
        return "no gate has judged it yet"
    width = max(len(show_line(gate["name"])) for gate in judged)
    return "\n".join(
        f"{verdict(gate['verdict'], color=color, width=11)}  {show_line(gate['name']):<{width}}"
        f"  {seconds(gate.get('seconds', 0.0)):>8}  {clip(gate.get('summary', ''), 100)}"
        for gate in judged
    )


def how_to_approve(given: JsonObject) -> str:
    short = str(given.get("digest") or "")[:12]
    return f"autoclave proposal approve {show_line(given['id'])} --hash {show_line(short)}"


def _reading(given: JsonObject) -> str:
    """How long somebody looked before they said yes."""
    if not given.get("approval"):
        return ""
    return looked(given.get("looked_seconds"), given.get("lines") or 0)


def looked(after: float | None, lines: int) -> str:
    """The reviewer's speed, in words."""
    of = f"{lines} line{'' if lines == 1 else 's'}"
    return f"{of} that were never shown" if after is None else f"after {after:.0f} s for {of}"


def _case_against(arguments: Sequence[object]) -> list[str]:
    if not arguments:
        return []
    return ["", "What speaks against it:", *(f"  - {show(str(item))}" for item in arguments)]


def _answers(answers: Sequence[JsonObject]) -> list[str]:
    """What it says to each comment of the one that was sent back before it."""
    if not answers:
        return []
    said = [f"  - {show(each['comment'])}\n    {show(each['answer'])}" for each in answers]
    return ["", "What it answers to your comments:", *said]


def _contract(contract: JsonObject) -> list[str]:
    promise = fields(
        {
            "will fix": ", ".join(map(str, contract.get("expected_fixes", ()))),
            "at risk": ", ".join(map(str, contract.get("at_risk", ()))),
            "shown by": ", ".join(f"event {number}" for number in contract.get("cause", ())),
            "others": f"{contract['alternatives']} other patches passed the same tests"
            if contract.get("alternatives")
            else "",
            "undo": contract.get("undo"),
        }
    )
    return ["", promise] if promise else []
