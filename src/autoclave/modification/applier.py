"""Applies, undoes and redoes changes: all or nothing, and the same end however often killed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..domain.changes import ChangeSet, FileChange
from ..domain.errors import Conflict, NotFound, Stale
from ..domain.ports import Files
from ..domain.proposal import Draft
from .body import Body, read_body, reverse
from .lineage import Entry, Lineage, Step

_APPLYING = frozenset({Step.APPLY, Step.REDO})


class Applier:
    """Writes the body and its lineage. One at a time; the caller holds the home's lock."""

    def __init__(
        self, *, root: Path, prefixes: Sequence[str], files: Files, lineage: Lineage
    ) -> None:
        self._root = root
        self._prefixes = tuple(prefixes)
        self._files = files
        self._lineage = lineage

    def body(self) -> Body:
        """The body as it stands on disk."""
        return read_body(self._files, self._root, self._prefixes)

    def begin(self) -> None:
        """Record the body as it was found, unless there is a history already."""
        if not self._lineage.head():
            self._lineage.commit_tree(self.body(), step=Step.BEGIN, message="the body as found")

    def apply(self, draft: Draft, *, proposal: str, message: str) -> str:
        """Write the draft and commit it; the commit. Stale when the base has moved."""
        changes = draft.changes
        newest = next(iter(self._lineage.log()), None)
        if newest and _is_done(newest, Step.APPLY, proposal, changes.digest):
            return self._resumed(newest)
        if newest is None or newest.tree != draft.base_tree:
            self._record_hand_edit(draft.base_tree)
        return self._install(
            changes,
            base_tree=draft.base_tree,
            candidate_tree=draft.candidate_tree,
            step=Step.APPLY,
            proposal=proposal,
            message=message,
        )

    def undo(self, proposal: str) -> str:
        """Take the proposal back as a new commit."""
        entry = self._last(proposal, wanted=_APPLYING)
        return self._revert(entry, Step.UNDO)

    def redo(self, proposal: str) -> str:
        """Apply an undone proposal again as a new commit."""
        entry = self._last(proposal, wanted=frozenset({Step.UNDO}))
        return self._revert(entry, Step.REDO)

    def _last(self, proposal: str, *, wanted: frozenset[Step]) -> Entry:
        """The newest commit of a proposal, when that is one that can be reverted now."""
        entry = next((e for e in self._lineage.log() if e.proposal == proposal), None)
        if entry is None:
            raise NotFound(
                f"{proposal} was never applied here", hint="see `autoclave proposal list`"
            )
        if entry.step in wanted:
            return entry
        if entry.step is Step.UNDO:
            raise Conflict(
                f"{proposal} is undone already (commit {entry.commit[:12]})",
                hint=f"apply it again with `autoclave proposal redo {proposal}`",
            )
        raise Conflict(
            f"{proposal} is in force (commit {entry.commit[:12]}); there is nothing to redo",
            hint=f"take it back with `autoclave proposal undo {proposal}`",
        )

    def _revert(self, entry: Entry, step: Step) -> str:
        was, became = self._committed(entry.parent), self._committed(entry.commit)
        newest = self._lineage.log()[0]
        base = self._committed(newest.commit)
        changes = self._reverting(entry, was, became, base)
        if not self._in_progress(changes, base):
            self._record_hand_edit(self.body().digest)
            newest = self._lineage.log()[0]
            base = self._committed(newest.commit)
            changes = self._reverting(entry, was, became, base)
        return self._install(
            changes,
            base_tree=base.digest,
            candidate_tree=base.after(changes).digest,
            step=step,
            proposal=entry.proposal,
            message=f"{step} {entry.proposal}: {entry.message.splitlines()[0]}",
        )

    def _reverting(self, entry: Entry, was: Body, became: Body, now: Body) -> ChangeSet:
        """The changes that take one commit back on the body `now`."""
        from .merge import without

        every = was.files.keys() | became.files.keys()
        paths = sorted(path for path in every if was.files.get(path) != became.files.get(path))
        made = []
        for path in paths:
            standing = now.files.get(path)
            try:
                wanted = without((was.files.get(path), became.files.get(path)), standing)
            except KeyError as clash:
                raise self._clash(entry, path, str(clash.args[0])) from None
            made.append(
                FileChange(
                    path=path,
                    before=standing,
                    after=wanted,
                    executable=path in (was if path in was.files else now).executable,
                )
            )
        return ChangeSet(tuple(change for change in made if change.before != change.after))

    def _clash(self, entry: Entry, path: str, name: str) -> Conflict:
        later = []
        for other in self._lineage.log():
            if other.commit == entry.commit:
                break
            now, before = self._committed(other.commit), self._committed(other.parent)
            if now.files.get(path) != before.files.get(path):
                later.append(other.proposal or str(other.step))
        named = ", ".join(dict.fromkeys(reversed(later))) or "a change by hand"
        return Conflict(
            f"{entry.proposal} can't be reverted: {name or 'the same text'} in {path} "
            f"was changed since by {named}",
            hint=f"undo {named} first",
        )

    def _install(
        self,
        changes: ChangeSet,
        *,
        base_tree: str,
        candidate_tree: str,
        step: Step,
        proposal: str,
        message: str,
    ) -> str:
        """Write and commit. Every step of it may have been done before by a killed run."""
        if not changes:
            raise Conflict(f"{step} of {proposal} would change nothing")
        if self._overlaid(changes).digest != base_tree:
            raise Stale(
                f"the body changed since {proposal} was made: it was {base_tree[:8]}, "
                f"it is {self.body().digest[:8]} now",
                hint="make the change again for the body as it is",
            )
        self._files.apply(self._root, changes)
        body = self.body()
        if body.digest != candidate_tree:
            self._files.apply(self._root, reverse(changes, body.executable))
            raise Stale(
                f"{proposal} was written but the body is {body.digest[:8]}, not "
                f"{candidate_tree[:8]}; it was taken back",
                hint="something else writes to the body; stop that and try again",
            )
        entry = self._lineage.commit_tree(
            body, step=step, message=message, proposal=proposal, digest=changes.digest
        )
        return entry.commit

    def _resumed(self, done: Entry) -> str:
        if self.body().digest != done.tree:
            raise Stale(
                f"{done.proposal} is applied (commit {done.commit[:12]}) and the body was changed "
                "after that"
            )
        return done.commit

    def _record_hand_edit(self, expected: str) -> None:
        """Commit the body as it stands when it is the expected one and no commit holds it."""
        body = self.body()
        newest = next(iter(self._lineage.log()), None)
        if body.digest != expected or (newest and newest.tree == expected):
            return
        if newest is None:
            self.begin()
        else:
            self._lineage.commit_tree(body, step=Step.BY_HAND, message="changed by hand")

    def _in_progress(self, changes: ChangeSet, base: Body) -> bool:
        """Whether the body is `base`, or `base` with these changes written in part or whole."""
        return self._overlaid(changes).digest == base.digest

    def _overlaid(self, changes: ChangeSet) -> Body:
        """The body on disk with each file of the change as it was before, if it is one of both."""
        body = self.body()
        ours = [c for c in changes.files if body.files.get(c.path) in (c.before, c.after)]
        return body.before(ChangeSet(tuple(ours)))

    def _committed(self, commit: str) -> Body:
        body = self._lineage.body_at(commit) if commit else Body(files={})
        entry = next((e for e in self._lineage.log() if e.commit == commit), None)
        if entry is not None and entry.tree != body.digest:
            raise Conflict(f"commit {commit[:12]} of the lineage does not hold the tree it names")
        return body


def _is_done(entry: Entry, step: Step, proposal: str, digest: str) -> bool:
    return (entry.step, entry.proposal, entry.digest) == (step, proposal, digest)
