"""Applying, undoing and redoing: all or nothing, with a history, whatever happens in between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.errors import Conflict, NotFound, Stale
from autoclave.domain.proposal import Draft, Edit
from autoclave.modification.lineage import Lineage
from autoclave.modification.workshop import LibcstWorkshop
from autoclave.sandbox.files import SafeFiles

MakeWorkshop = Callable[..., LibcstWorkshop]
MakeEdit = Callable[..., Edit]
Snapshot = Callable[[Path], dict[str, tuple[bytes, int]]]
CODE = "capabilities/mean/code.py"
OTHER_CODE = "def one() -> int:\n    return 1\n"


class Killed(BaseException):
    """Stands for the end of the process in the middle of a write."""


@pytest.fixture
def draft(workshop: LibcstWorkshop, mean_edit: MakeEdit, edit: MakeEdit) -> Draft:
    """A change of two files."""
    other = edit(
        "replace",
        OTHER_CODE,
        "one",
        "def one() -> int:\n    return 2 - 1\n",
        file="capabilities/other/code.py",
    )
    return workshop.draft([mean_edit(), other])


def test_apply_writes_and_commits(
    workshop: LibcstWorkshop, draft: Draft, lineage: Lineage, home: Path
) -> None:
    """The history holds the body as found and the proposal with its digests."""
    commit = workshop.apply(draft, proposal="P-0001", message="Mean of nothing is 0")

    newest, first = lineage.log()
    assert [first.step, newest.step] == ["begin", "apply"]
    assert (newest.commit, newest.proposal, newest.digest) == (
        commit,
        "P-0001",
        draft.changes.digest,
    )
    assert (newest.base_tree, newest.tree) == (draft.base_tree, draft.candidate_tree)
    assert workshop.base_tree() == draft.candidate_tree
    assert lineage.file_at(commit, CODE) == (home / CODE).read_bytes()
    assert lineage.body_at(first.commit).digest == draft.base_tree


def test_the_lineage_is_ordinary_git(workshop: LibcstWorkshop, draft: Draft, home: Path) -> None:
    """A person can read it with git, trailers included."""
    workshop.apply(draft, proposal="P-0001", message="Mean of nothing\n\nProposal: P-6666")

    said = subprocess.run(
        [
            "git",
            "--git-dir",
            str(home / ".autoclave/lineage.git"),
            "log",
            "-1",
            "--format=%an <%ae>|%s|%(trailers:key=Proposal,valueonly)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said.strip() == "Autoclave <agent@autoclave.invalid>|Mean of nothing|P-0001"


def test_applying_twice_is_harmless(
    workshop: LibcstWorkshop, draft: Draft, lineage: Lineage
) -> None:
    """The second time finds it done and gives the same commit."""
    first = workshop.apply(draft, proposal="P-0001", message="m")

    assert workshop.apply(draft, proposal="P-0001", message="m") == first
    assert len(lineage.log()) == 2


def test_apply_on_a_moved_base_is_stale(
    workshop: LibcstWorkshop, draft: Draft, home: Path, snapshot: Snapshot
) -> None:
    """What was measured must be what is applied."""
    (home / "capabilities/report/code.py").write_text("x = 1\n", encoding="utf-8")
    before = snapshot(home)

    with pytest.raises(Stale, match="changed since"):
        workshop.apply(draft, proposal="P-0001", message="m")

    assert snapshot(home) == before


def test_a_hand_edit_gets_a_commit_of_its_own(
    workshop: LibcstWorkshop, draft: Draft, lineage: Lineage, home: Path, mean_edit: MakeEdit
) -> None:
    """History says who changed what between two proposals."""
    workshop.apply(draft, proposal="P-0001", message="m")
    (home / "capabilities/mean/README.md").write_text("by hand\n", encoding="utf-8")
    second = workshop.draft([mean_edit("wrap", "spread", source="print")])

    workshop.apply(second, proposal="P-0002", message="m")

    assert [e.step for e in lineage.log()] == ["apply", "changed by hand", "apply", "begin"]
    hand = lineage.log()[1]
    assert lineage.file_at(hand.commit, "capabilities/mean/README.md") == b"by hand\n"


def test_undo_and_redo_restore_every_byte(
    workshop: LibcstWorkshop, draft: Draft, home: Path, snapshot: Snapshot
) -> None:
    """Each is a commit, and each leads to the tree it names."""
    before = snapshot(home)
    workshop.apply(draft, proposal="P-0001", message="m")
    after = snapshot(home)

    workshop.undo("P-0001")
    assert snapshot(home) == before
    workshop.redo("P-0001")
    assert snapshot(home) == after
    workshop.undo("P-0001")
    assert snapshot(home) == before
    assert [e["step"] for e in workshop.lineage()] == ["undo", "redo", "undo", "apply", "begin"]


def test_undo_twice_and_redo_without_undo_are_refused(
    workshop: LibcstWorkshop, draft: Draft
) -> None:
    """The words say how it stands."""
    workshop.apply(draft, proposal="P-0001", message="m")
    with pytest.raises(Conflict, match="nothing to redo"):
        workshop.redo("P-0001")
    workshop.undo("P-0001")

    with pytest.raises(Conflict, match="undone already"):
        workshop.undo("P-0001")
    with pytest.raises(NotFound, match="never applied"):
        workshop.undo("P-0009")


def test_undo_keeps_what_later_proposals_changed_elsewhere(
    workshop: LibcstWorkshop, draft: Draft, home: Path, mean_edit: MakeEdit
) -> None:
    """Another function of the same file is not in the way."""
    before = (home / CODE).read_text(encoding="utf-8")
    workshop.apply(draft, proposal="P-0001", message="m")
    later = workshop.draft(
        [
            mean_edit(
                target="spread",
                source="\n\ndef spread(numbers: list[float]) -> float:\n    return 0.0\n",
            )
        ]
    )
    workshop.apply(later, proposal="P-0002", message="m")

    workshop.undo("P-0001")

    text = (home / CODE).read_text(encoding="utf-8")
    assert "if numbers else" not in text
    assert text.endswith(before[before.index("\n\nasync def execute") :])
    assert "return 0.0" in text
    workshop.redo("P-0001")
    assert "if numbers else" in (home / CODE).read_text(encoding="utf-8")


def test_undo_names_the_later_proposal_that_is_in_the_way(
    workshop: LibcstWorkshop, draft: Draft, home: Path, edit: MakeEdit, snapshot: Snapshot
) -> None:
    """The same function was changed since."""
    workshop.apply(draft, proposal="P-0001", message="m")
    text = (home / CODE).read_text(encoding="utf-8")
    later = workshop.draft([edit("set_default", text, "mean", "()", argument="numbers", file=CODE)])
    workshop.apply(later, proposal="P-0002", message="m")
    before = snapshot(home)

    with pytest.raises(Conflict, match=r"mean in .* was changed since by P-0002"):
        workshop.undo("P-0001")

    assert snapshot(home) == before
    workshop.undo("P-0002")
    workshop.undo("P-0001")


def killed_at(count: int) -> Callable[[], None]:
    """A hook that lets `count` writes pass and then ends it all."""
    left = [count]

    def hook() -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    return hook


@pytest.mark.slow
@pytest.mark.parametrize("write", [0, 1, 2])
@pytest.mark.parametrize("act", ["apply", "undo", "redo"])
def test_a_fault_between_two_writes_changes_nothing_about_the_end(
    make_workshop: MakeWorkshop,
    workshop: LibcstWorkshop,
    draft: Draft,
    files: Any,
    act: str,
    write: int,
) -> None:
    """Run again after the fault, it ends as if there had been none."""
    do = prepare(workshop, draft, act)
    expected_tree = {"apply": draft.candidate_tree, "undo": draft.base_tree}.get(
        act, draft.candidate_tree
    )
    broken = make_workshop(files=type(files)(killed_at(write)))

    with pytest.raises(Killed):
        do(broken)
    do(workshop)

    assert workshop.base_tree() == expected_tree
    assert workshop.lineage()[0]["step"] == act
    assert "changed by hand" not in [e["step"] for e in workshop.lineage()]


def prepare(workshop: LibcstWorkshop, draft: Draft, act: str) -> Callable[[LibcstWorkshop], Any]:
    """Bring the home to where `act` comes next, and give the act."""
    if act == "apply":
        return lambda w: w.apply(draft, proposal="P-0001", message="m")
    workshop.apply(draft, proposal="P-0001", message="m")
    if act == "undo":
        return lambda w: w.undo("P-0001")
    workshop.undo("P-0001")
    return lambda w: w.redo("P-0001")


def test_a_write_that_leads_elsewhere_is_taken_back(
    make_workshop: MakeWorkshop,
    draft: Draft,
    home: Path,
    files: Any,
    snapshot: Snapshot,
) -> None:
    """When the tree is not the approved one afterwards, nothing of it stays."""
    before = snapshot(home)
    intruder = home / "capabilities/mean/extra.py"
    workshop = make_workshop(files=type(files)(intruder.touch))

    with pytest.raises(Stale, match="taken back"):
        workshop.apply(draft, proposal="P-0001", message="m")

    intruder.unlink()
    assert snapshot(home) == before
    assert [entry["step"] for entry in workshop.lineage()] == ["begin"]


@pytest.mark.chaos
@pytest.mark.parametrize("act", ["apply", "undo", "redo"])
def test_a_real_kill_anywhere_changes_nothing_about_the_end(
    make_workshop: MakeWorkshop,
    workshop: LibcstWorkshop,
    lineage: Lineage,
    draft: Draft,
    files: Any,
    act: str,
) -> None:
    """A process killed before each write and around the commit leaves work that can be finished."""
    do = prepare(workshop, draft, act)
    start = len(workshop.lineage())
    expected = draft.base_tree if act == "undo" else draft.candidate_tree

    for kill_at in range(5):
        dying = DyingLineage(lineage, kill_at - 3)
        faulty = make_workshop(files=type(files)(dying_at(kill_at)), lineage=dying)
        assert in_a_child(partial(do, faulty)) == -signal.SIGKILL
    if len(workshop.lineage()) == start + (act == "apply"):
        do(workshop)

    assert workshop.base_tree() == expected
    steps = [entry["step"] for entry in workshop.lineage()]
    assert steps.count(act) == 1
    assert "changed by hand" not in steps


class DyingLineage(Lineage):
    """Kills its process before (0) or after (1) the commit of a proposal."""

    def __init__(self, real: Lineage, when: int) -> None:
        super().__init__(real._git_dir, clock=real._clock)
        self._when = when

    def commit_tree(self, *arguments: Any, **more: Any) -> Any:
        if self._when == 0 and more.get("proposal"):
            os.kill(os.getpid(), signal.SIGKILL)
        entry = super().commit_tree(*arguments, **more)
        if self._when == 1 and more.get("proposal"):
            os.kill(os.getpid(), signal.SIGKILL)
        return entry


def dying_at(count: int) -> Callable[[], None]:
    left = [count]

    def hook() -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    return hook


def in_a_child(work: Callable[[], Any]) -> int:
    """Run it in a forked process; how that ended, as `subprocess` says it."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize("act", ["apply", "undo"])
def test_a_kill_before_any_write_of_the_real_files(
    tmp_path: Path, make_workshop: MakeWorkshop, draft: Draft, home: Path, act: str
) -> None:
    """Killed before the n-th call that changes the disk, for every n; then run once more."""
    workshop = make_workshop(files=SafeFiles())
    do = prepare(workshop, draft, act)
    expected = draft.candidate_tree if act == "apply" else draft.base_tree
    ready = tmp_path / "ready"
    shutil.copytree(home, ready)
    killed = 0

    while in_a_child(partial(die_before, killed, partial(do, workshop))) == -signal.SIGKILL:
        if not workshop.lineage() or workshop.lineage()[0]["step"] != act:
            do(workshop)
        assert workshop.base_tree() == expected
        steps = [entry["step"] for entry in workshop.lineage()]
        assert (steps.count(act), steps.count("changed by hand")) == (1, 0)
        assert not [path for path in home.iterdir() if path.name.startswith(".autoclave-")]
        shutil.rmtree(home)
        shutil.copytree(ready, home)
        killed += 1

    assert killed > 8


def die_before(count: int, work: Callable[[], Any]) -> None:
    """Do the work; end the process before the call with that number."""
    left = [count]

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **more: Any) -> Any:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return call(*arguments, **more)

        return wrapper

    for name in ("rename", "replace", "link", "unlink", "mkdir", "rmdir", "fsync"):
        setattr(os, name, counted(getattr(os, name)))
    real_run = subprocess.run
    subprocess.run = counted(real_run)
    work()
