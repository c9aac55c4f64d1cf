"""Carries out edits on source text: the right node or a loud error, and no other byte."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.errors import AutoclaveError, Conflict, InvalidInput
from ..domain.proposal import Edit, EditOperation
from .operations import splices_for
from .source_form import parse
from .splice import put_in, untouched
from .targets import Source, target_hash

_ADDITIONS = frozenset({EditOperation.ADD_IMPORT, EditOperation.APPEND})


def apply_edit(source: str, edit: Edit) -> str:
    """The source after one edit.

    Raises NotFound (no such target, with the nearest), Stale (the hash is for another text),
    Conflict (ambiguous, or nothing would change), InvalidInput (it would not parse).
    """
    try:
        return _applied(source, edit)
    except RecursionError as error:
        raise InvalidInput(
            f"{edit.file} or the new source is nested too deeply",
            hint="split the statement into several",
        ) from error


def _applied(source: str, edit: Edit) -> str:
    text = Source(source, edit.file)
    target = text.find(edit.target, edit.target_hash)
    splices = splices_for(text, target, edit)
    after = put_in(source, splices)
    _check_untouched(after, untouched(source, splices), edit)
    if after == source:
        raise Conflict(
            f"{edit.operation} of {edit.target or 'the module'} in {edit.file} changes nothing",
            hint="leave the edit out",
        )
    parse(after, edit.file)
    return after


def apply_edits(source: str, edits: Sequence[Edit]) -> str:
    """The source after all edits of one file, in their order.

    An addition may carry the hash that its target had before the earlier edits.
    """
    after = source
    for edit in edits:
        if edit.operation in _ADDITIONS and _was_made_for(source, edit):
            edit = _for_text(after, edit)
        after = apply_edit(after, edit)
    if len(edits) > 1 and after == source:
        raise Conflict(f"the edits of {edits[0].file} cancel each other out")
    return after


def _was_made_for(source: str, edit: Edit) -> bool:
    try:
        return target_hash(source, edit.target) == edit.target_hash
    except AutoclaveError:
        return False


def _for_text(text: str, edit: Edit) -> Edit:
    return Edit.from_json({**edit.to_json(), "target_hash": target_hash(text, edit.target)})


def _check_untouched(after: str, kept: list[str], edit: Edit) -> None:
    """What stands in front of the first change and behind the last has to be there as it was."""
    if not (after.startswith(kept[0]) and after.endswith(kept[-1])):
        raise Conflict(f"{edit.operation} would touch text outside {edit.target!r}")
