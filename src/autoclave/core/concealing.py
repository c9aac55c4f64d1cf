"""Where true bytes meet what is written down: marks go in on one side and out on the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, TypeVar

from ..domain.capability import CapabilityResult, Failure
from ..domain.changes import ChangeSet
from ..domain.errors import NotAllowed
from ..domain.proposal import Draft, Edit, Evidence, GateResult
from .parts import Parts
from .redaction import MARK

T = TypeVar("T")


class Change(Protocol):
    """Concealing or revealing in one stream."""

    def __call__(self, value: T) -> T: ...


def conceal_ran(parts: Parts, stream: str, ran: CapabilityResult) -> CapabilityResult:
    """What a sealed run gave, as it may be written down, shown and thought about."""

    def conceal(value: T) -> T:
        return parts.conceal(stream, value, literal=True)

    failure = ran.failure and Failure(**conceal(ran.failure.to_json()))
    changes = _changed_texts(ran.changes, conceal)
    return replace(ran, outputs=conceal(ran.outputs), changes=changes, failure=failure, log=b"")


def reveal_changes(parts: Parts, stream: str, changes: ChangeSet) -> ChangeSet:
    """The changes with the true bytes: for writing them, and for nothing else.

    Raises NotFound when a secret in them is not kept any more.
    """

    def true(value: T) -> T:
        return parts.reveal(stream, value)

    return _changed_texts(changes, true)


def _changed_texts(changes: ChangeSet, change: Change) -> ChangeSet:
    """The change set with every text in it changed; paths may have to be put in order again."""
    files = []
    for each in changes.files:
        # One character for each byte, so that any file is a text.
        contents = [None if b is None else b.decode("latin-1") for b in (each.before, each.after)]
        texts = [each.path, *(text for text in contents if text is not None)]
        path, *changed = change(texts)
        if [path, *changed] != texts:
            left = iter(changed)
            before, after = (t if t is None else next(left).encode("latin-1") for t in contents)
            each = replace(each, path=path, before=before, after=after)
        files.append(each)
    return ChangeSet(tuple(sorted(files, key=lambda file: file.path)))


def conceal_draft(parts: Parts, stream: str, draft: Draft) -> Draft:
    """A draft as it may be written down and shown; what is approved is the digest of this one."""

    def conceal(value: T) -> T:
        return parts.conceal(stream, value, literal=True)

    return _changed_draft(draft, conceal)


def reveal_draft(parts: Parts, stream: str, draft: Draft) -> Draft:
    """The draft with the true bytes: for applying it, and for nothing else."""

    def true(value: T) -> T:
        return parts.reveal(stream, value)

    return _changed_draft(draft, true)


def check_readable(parts: Parts, stream: str, draft: Draft) -> None:
    """Raise NotAllowed where a mark would hide new text of a draft from whoever approves it.

    What merely looks like a secret may be code, and a yes is to what was read.
    """
    written = conceal_draft(parts, stream, draft)
    before = {mark for each in written.changes.files for mark in _marks(each.before)}
    shown = set(MARK.findall(written.diff))
    for each in written.changes.files:
        if new := ({*_marks(each.after), *MARK.findall(each.path)} | shown) - before:
            raise NotAllowed(
                f"{each.path} would hold what is taken for a secret ({min(new)}), so nobody could "
                "read what they approve",
                hint="keep secrets out of it, and long texts away from names such as password",
                rules=("changes-can-be-read",),
            )


def _marks(content: bytes | None) -> list[str]:
    return MARK.findall((content or b"").decode("latin-1"))


def conceal_evidence(parts: Parts, stream: str, evidence: Evidence) -> Evidence:
    """What the gates said, as it may be written down."""
    gates = parts.conceal(stream, [gate.to_json() for gate in evidence.gates])
    return replace(evidence, gates=tuple(GateResult.from_json(gate) for gate in gates))


def _changed_draft(draft: Draft, change: Change) -> Draft:
    changes = _changed_texts(draft.changes, change)
    is_plain = draft.diff == draft.changes.diff()
    edits = change([edit.to_json() for edit in draft.edits])
    return replace(
        draft,
        edits=tuple(Edit.from_json(edit) for edit in edits),
        changes=changes,
        diff=changes.diff() if is_plain else change(draft.diff),
    )
