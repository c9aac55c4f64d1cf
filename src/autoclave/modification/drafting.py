"""Turns edits into exact bytes on top of an exact base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..domain.canonical import digest_bytes
from ..domain.changes import ABSENT, ChangeSet, FileChange
from ..domain.errors import Conflict, InvalidInput, NotFound, Stale
from ..domain.proposal import Draft, Edit, EditOperation
from ..domain.risk import Risk
from .body import Body
from .surface import Surface, decode_for_surface
from .targets import nearest, target_hash


def make_draft(edits: Sequence[Edit], body: Body, *, surface: Surface, root: Path) -> Draft:
    """The draft for the edits on that body. Raises as the port `Workshop.draft` says."""
    if not edits:
        raise InvalidInput("a draft needs at least one edit")
    by_file: dict[str, list[Edit]] = {}
    for edit in edits:
        by_file.setdefault(edit.file, []).append(edit)
    for file in by_file:
        surface.check_path(file)
        surface.check_on_disk(root, file)
    changes = ChangeSet(tuple(_change(body, file, by_file[file]) for file in sorted(by_file)))
    surface.check(changes)
    return Draft(
        edits=tuple(edits),
        changes=changes,
        base_tree=body.digest,
        candidate_tree=body.after(changes).digest,
        diff=changes.diff(),
        risk=Risk.R4,
    )


def anchored(edit: Edit, body: Body) -> Edit:
    """The edit with the hash of its target as the body stands. Raises NotFound, Conflict."""
    data = body.files.get(edit.file)
    if data is None:
        return replace(edit, target_hash=ABSENT)
    if not edit.file.endswith(".py"):
        return replace(edit, target_hash=digest_bytes(data))
    text = decode_for_surface(edit.file, data)
    return replace(edit, target_hash=target_hash(text, edit.target))


def _change(body: Body, file: str, edits: list[Edit]) -> FileChange:
    before = body.files.get(file)
    if before is None:
        after = _new_file(body, file, edits)
    elif file.endswith(".py"):
        after = _edited(file, before, edits)
    else:
        after = _whole_text(file, before, edits)
    return FileChange(path=file, before=before, after=after, executable=file in body.executable)


def _edited(file: str, before: bytes, edits: list[Edit]) -> bytes:
    from .ast_modifier import apply_edits

    return apply_edits(decode_for_surface(file, before), edits).encode("utf-8")


def _new_file(body: Body, file: str, edits: list[Edit]) -> bytes:
    """A file is made by one replacement of its module, with the hash of what isn't there."""
    first = edits[0]
    is_new = first.operation is EditOperation.REPLACE and not first.target
    if len(edits) > 1 or not is_new or first.target_hash != ABSENT:
        close = nearest(file, list(body.files))
        raise NotFound(
            f"the body has no file {file}",
            hint=f"nearest: {', '.join(close)}" if close else "it has no file like it",
        )
    if file.endswith(".py"):
        from .source_form import parse

        parse(first.source, file)
    return first.source.encode("utf-8")


def _whole_text(file: str, before: bytes, edits: list[Edit]) -> bytes:
    edit = edits[0]
    if len(edits) > 1 or edit.operation is not EditOperation.REPLACE or edit.target:
        raise InvalidInput(f"{file} is no Python: it can only be replaced as a whole, once")
    if edit.target_hash != digest_bytes(before):
        raise Stale(
            f"{file} has changed: the edit was made for {edit.target_hash[:8] or '(none)'}, "
            f"it is {digest_bytes(before)[:8]} now"
        )
    after = edit.source.encode("utf-8")
    if after == before:
        raise Conflict(f"the replacement of {file} changes nothing")
    return after
