"""The evidence as rows: what speaks against it first, what it says of itself after that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from ..glyphs import UNICODE, Glyphs
from .ink import Ink, Piece, fit, wrap

MOST_DETAILS = 40
LEAST_WIDTH = 20
_WORST_FIRST = {"fail": 0, "not checked": 1, "pass": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One row, and the gate that it opens, if it is one's heading."""

    pieces: tuple[Piece, ...]
    gate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that the evidence is drawn from."""

    proposal: JsonObject
    goal: JsonObject | None = None
    """The run that made it; None when it can't be read."""
    now: float = 0.0
    opened: frozenset[str] = frozenset()
    """Gates whose details are open."""
    problem: str = ""
    hint: str = ""
    glyphs: Glyphs = field(default=UNICODE)


def evidence_rows(seen: Seen, width: int) -> list[EvidenceRow]:
    """All of it, wrapped to a width."""
    return list(_Writer(seen, width).rows())


class _Writer:
    def __init__(self, seen: Seen, width: int) -> None:
        self._seen, self._given = seen, seen.proposal
        self._width = max(width, LEAST_WIDTH)

    def rows(self) -> Iterator[EvidenceRow]:
        yield from self._state()
        yield from self._against()
        yield from self._gates()
        yield from self._answers()
        yield from self._summary()
        yield from self._risk()
        yield from self._promise()
        yield from self._origin()
        yield from self._undo()
        yield from self._identity()

    def _state(self) -> Iterator[EvidenceRow]:
        if self._seen.problem:
            yield from self._text(f"! Not to be approved: {self._seen.problem}", "bad")
            if self._seen.hint:
                yield from self._text(self._seen.hint, "warn", indent=2)
            yield _row()

    def _against(self) -> Iterator[EvidenceRow]:
        yield self._title("The case against")
        arguments = self._given.get("case_against") or []
        for argument in arguments:
            yield from self._item(str(argument))
        if not arguments:
            yield from self._text("Nothing speaks against it in what was measured.")

    def _gates(self) -> Iterator[EvidenceRow]:
        gates: list[JsonObject] = list(self._given.get("gates") or [])
        yield _row()
        if not gates:
            yield self._title("Gates")
            yield from self._text("Not measured: no gate has judged it yet.", "warn")
            return
        passed = sum(gate["verdict"] == "pass" for gate in gates)
        seconds = sum(float(gate.get("seconds") or 0) for gate in gates)
        judged = self._given.get("judged_at")
        when = f"{age(self._seen.now - judged)} ago" if judged else "nobody knows when"
        yield self._title(f"Gates: {passed} of {len(gates)} pass")
        yield from self._text(f"judged {when}, in {seconds:.1f} s, tier {self._tier()}", "dim")
        for gate in sorted(gates, key=lambda each: _WORST_FIRST.get(each["verdict"], 0)):
            yield from self._gate(gate)

    def _tier(self) -> str:
        return show_line(str(self._given.get("tier") or "not known"))

    def _gate(self, gate: JsonObject) -> Iterator[EvidenceRow]:
        sign, ink = self._sign(str(gate["verdict"]))
        name = str(gate["name"])
        verdict = "pass" if gate["verdict"] == "pass" else str(gate["verdict"]).upper()
        head = f"{sign} {verdict} {show_line(name)}"
        timed = f" {float(gate.get('seconds') or 0):.1f} s"
        summary = str(gate.get("summary") or "it says nothing")
        first, *rest = wrap(head, self._width - len(timed))
        yield EvidenceRow(pieces=(Piece(self._fit(first), ink), Piece(timed, "dim")), gate=name)
        for line in rest:
            yield EvidenceRow(pieces=(Piece(self._fit(line), ink),), gate=name)
        yield from self._text(summary, "plain" if ink != "good" else "dim", indent=2, gate=name)
        if name in self._seen.opened:
            yield from self._details(gate)

    def _details(self, gate: JsonObject) -> Iterator[EvidenceRow]:
        facts = list(flat(gate.get("facts") or {}))
        if not facts:
            yield from self._text("no details", "dim", indent=4)
        for line in facts[:MOST_DETAILS]:
            yield from self._text(line, "plain", indent=4)
        if len(facts) > MOST_DETAILS:
            yield from self._text(f"… {len(facts) - MOST_DETAILS} more", "dim", indent=4)

    def _sign(self, verdict: str) -> tuple[str, Ink]:
        glyphs = self._seen.glyphs
        if verdict == "pass":
            return glyphs.ok, "good"
        return (glyphs.bad, "bad") if verdict == "fail" else (glyphs.unchecked, "warn")

    def _answers(self) -> Iterator[EvidenceRow]:
        """What it says to each comment of the one that was sent back before it."""
        answers = self._given.get("answers") or []
        before = self._given.get("follows")
        if not before:
            return
        said = sum(bool(each.get("answer")) for each in answers)
        yield _row()
        yield self._title(f"You sent {before} back: {said} of {len(answers)} answered")
        for number, each in enumerate(answers, start=1):
            yield from self._text(f"{number}. {each.get('comment', '')}", "dim")
            answer = each.get("answer")
            yield from self._text(
                str(answer or "not answered"), "plain" if answer else "bad", indent=3
            )

    def _summary(self) -> Iterator[EvidenceRow]:
        yield _row()
        yield self._title("What it says of itself")
        yield from self._text(str(self._given.get("title") or "it has no title"))
        yield from self._text(str(self._given.get("reason") or "it gives no reason"), "dim")

    def _risk(self) -> Iterator[EvidenceRow]:
        given = self._given
        yield _row()
        yield self._title("Risk")
        risk = str(given.get("risk") or "")
        yield from self._text(
            f"{risk}: {_TIERS.get(risk, '')}" if risk else "no known risk: judged"
        )
        rules = ", ".join(map(str, given.get("rules") or ()))
        yield from self._field("asked by", rules, missing="which rule asked was not kept")
        yield from self._field("because", given.get("ruling"), missing="no reason was kept")
        yield from self._people()

    def _people(self) -> Iterator[EvidenceRow]:
        given = self._given
        people = int(given.get("people") or 1)
        takes = "one person" if people == 1 else f"{people} people"
        yield from self._field("takes", f"the yes of {takes}")
        signed = ", ".join(map(str, given.get("signed_by") or ()))
        yield from self._field("signed by", signed, missing="nobody yet")
        if waits := given.get("waits_for"):
            yield from self._field("waits for", waits)

    def _promise(self) -> Iterator[EvidenceRow]:
        contract = self._given.get("contract") or {}
        yield _row()
        yield self._title("What it promises")
        fixes = ", ".join(map(str, contract.get("expected_fixes") or ()))
        yield from self._field("will fix", fixes, missing="nothing: it promises no goal")
        risks = "; ".join(map(str, contract.get("at_risk") or ()))
        yield from self._field("at risk", risks, missing="nothing, it says")

    def _origin(self) -> Iterator[EvidenceRow]:
        given, contract = self._given, self._given.get("contract") or {}
        yield _row()
        yield self._title("Where it comes from")
        drafted = str(given.get("drafted_by") or "")
        by = "a search, without a model" if drafted == "search" else f"the model {drafted}"
        yield from self._field("drafted by", by if drafted else "", missing="not kept")
        events = ", ".join(f"event {each}" for each in contract.get("cause") or ())
        yield from self._field("failures", events, missing="none are named")
        if others := contract.get("alternatives"):
            yield from self._field("beside it", f"{others} other patches passed the same tests")
        yield from self._field("made in", given.get("run"), missing="no run is named")
        yield from self._field("cost", self._cost())

    def _cost(self) -> str:
        goal = self._seen.goal
        if goal is None:
            return "not known: its run can't be read"
        spend = goal.get("spend") or {}
        usd, tokens = float(spend.get("usd") or 0), int(spend.get("tokens") or 0)
        seconds = float(spend.get("seconds") or 0)
        return f"${usd:.4f}, {tokens:,} tokens, {seconds:.0f} s of work"

    def _undo(self) -> Iterator[EvidenceRow]:
        contract = self._given.get("contract") or {}
        yield _row()
        yield self._title("How to undo it")
        yield from self._text(str(contract.get("undo") or "it does not say"))

    def _identity(self) -> Iterator[EvidenceRow]:
        given = self._given
        yield _row()
        yield self._title("What exactly")
        for name, key in (("base", "base_tree"), ("after it", "candidate_tree")):
            yield from self._field(name, str(given.get(key) or "")[:12], missing="not known")
        yield from self._field("hash", given.get("digest"), missing="none yet")
        yield from self._field("expires", self._expiry(), missing="it says no time")

    def _expiry(self) -> str:
        expires = float(self._given.get("expires_at") or 0.0)
        if not expires:
            return ""
        left = expires - self._seen.now
        return f"in {age(left)}" if left > 0 else f"it has, {age(-left)} ago"

    def _title(self, text: str) -> EvidenceRow:
        return _row(Piece(self._fit(wrap(show_line(text), self._width)[0]), "head"))

    def _field(self, name: str, value: object, *, missing: str = "") -> Iterator[EvidenceRow]:
        text = str(value or "")
        said, ink = (text, "plain") if text else (missing, "warn")
        label = f"{name} "
        lines = wrap(show_line(said), self._width - len(label))
        yield _row(Piece(label, "dim"), Piece(self._fit(lines[0]), _ink(ink)))
        for line in lines[1:]:
            yield _row(Piece(" " * len(label)), Piece(self._fit(line), _ink(ink)))

    def _item(self, text: str) -> Iterator[EvidenceRow]:
        lines = wrap(text, self._width - 2)
        for number, line in enumerate(lines):
            yield _row(Piece("- " if number == 0 else "  ", "warn"), Piece(self._fit(line)))

    def _text(
        self, text: str, ink: Ink = "plain", *, indent: int = 0, gate: str = ""
    ) -> Iterator[EvidenceRow]:
        for line in wrap(text, self._width - indent):
            pieces = (Piece(" " * indent), Piece(self._fit(line), ink))
            yield EvidenceRow(pieces=pieces, gate=gate)

    def _fit(self, text: str) -> str:
        return fit(text, self._seen.glyphs)


_TIERS: Mapping[str, str] = {
    "R0": "it only looks",
    "R1": "a change that can be taken back",
    "R2": "it runs generated code",
    "R3": "it reads what lies outside",
    "R4": "it changes the agent itself, or has effects outside",
    "R5": "kernel, rules, approvals: refused",
}


def flat(value: object, name: str = "") -> Iterator[str]:
    """A fact in lines of `where: what`."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from flat(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for number, each in enumerate(value):
            yield from flat(each, f"{name}[{number}]")
    elif isinstance(value, str):
        yield f"{name}: {value}"
    elif value or value == 0:
        yield f"{name}: {json.dumps(value, ensure_ascii=False)}"


def age(seconds: float) -> str:
    """A time span in one number."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _ink(name: str) -> Ink:
    return "warn" if name == "warn" else "plain"


def _row(*pieces: Piece) -> EvidenceRow:
    return EvidenceRow(pieces=pieces)
