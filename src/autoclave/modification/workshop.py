"""The workshop: edits become drafts, drafts are judged, approved ones are applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..domain.canonical import JsonObject, digest
from ..domain.errors import NotAllowed, Stale
from ..domain.knowledge import Case
from ..domain.ports import Files, Replay, Sandbox
from ..domain.proposal import Draft, Edit, Evidence
from ..domain.sealed import SelfTest
from .applier import Applier
from .gate import Gate, MindSide, RunExamples, run_gates
from .lineage import Lineage
from .surface import Surface


class LibcstWorkshop:
    """Port `Workshop` over LibCST, a sandbox and git. One home, one workshop."""

    def __init__(
        self,
        *,
        root: Path,
        prefixes: Sequence[str] = ("capabilities",),
        sandbox: Sandbox,
        files: Files,
        lineage: Lineage,
        run_examples: RunExamples,
        mind: MindSide | None = None,
        test_helpers: Path | None = None,
        more_gates: Callable[[], Sequence[Gate]] = tuple,
    ) -> None:
        """`root` is the home, `prefixes` the folders below it that proposals may change.

        `mind` adds the folder of the mind to them and says how minds are tried. `test_helpers` is
        a Python file with `fresh_context(folder)`, for the tests' `context` fixture; `more_gates`
        come after the built-in ones and can only add a veto.
        """
        prefixes = (*prefixes, mind.folder) if mind else tuple(prefixes)
        self._root = root
        self._mind = mind
        self._surface = Surface(prefixes=prefixes, mind=mind.folder if mind else "")
        self._sandbox = sandbox
        self._files = files
        self._lineage = lineage
        self._run_examples = run_examples
        self._test_helpers = test_helpers
        self._more_gates = more_gates
        self._applier = Applier(root=root, prefixes=prefixes, files=files, lineage=lineage)

    def begin(self) -> None:
        """Start the history with the body as it is found; harmless when there is one."""
        self._applier.begin()

    def draft(self, edits: Sequence[Edit]) -> Draft:
        from .drafting import make_draft

        return make_draft(edits, self._applier.body(), surface=self._surface, root=self._root)

    def anchored(self, edit: Edit) -> Edit:
        from .drafting import anchored

        return anchored(edit, self._applier.body())

    async def judge(self, draft: Draft, *, cases: Sequence[Case], replay: Replay) -> Evidence:
        """Run the gates, cheapest first, in the sandbox. Stale when the base has moved."""
        from .bench import BenchTools, set_up

        base = self._applier.body()
        if base.digest != draft.base_tree:
            raise _moved(draft, base.digest)
        test = await self._sandbox.self_test()
        tools = BenchTools(
            root=self._root,
            surface=self._surface,
            sandbox=self._sandbox,
            files=self._files,
            run_examples=self._run_examples,
            lineage=self._lineage,
            mind=self._mind,
            test_helpers=self._test_helpers,
        )
        bench = set_up(tools, draft, base, tier=test.tier, cases=cases, replay=replay)
        with bench as (ready, gates):
            results = await run_gates([*gates, *self._more_gates()], ready)
        return Evidence(gates=results, tier=str(test.tier), self_test=self_test_digest(test))

    def apply(self, draft: Draft, *, proposal: str, message: str) -> str:
        self._surface.check(draft.changes)
        if not proposal:
            raise NotAllowed("a change needs the id of its proposal", rules=("named-changes",))
        return self._applier.apply(draft, proposal=proposal, message=message)

    def undo(self, proposal: str) -> str:
        return self._applier.undo(proposal)

    def redo(self, proposal: str) -> str:
        return self._applier.redo(proposal)

    def lineage(self) -> list[JsonObject]:
        return [entry.to_json() for entry in self._lineage.log()]

    def base_tree(self) -> str:
        return self._applier.body().digest


def self_test_digest(test: SelfTest) -> str:
    """Names the tier and the outcome of every probe; times do not count."""
    probes = [[probe.name, probe.must_fail, probe.succeeded] for probe in test.probes]
    return digest([str(test.tier), probes, test.facts])


def _moved(draft: Draft, now: str) -> Stale:
    return Stale(
        f"the body changed since the draft was made: it was {draft.base_tree[:8]}, "
        f"it is {now[:8]} now",
        hint="make the draft again for the body as it is",
    )
