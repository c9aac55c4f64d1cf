"""The gates that only read: surface, parse, and the powers that a change adds."""

from __future__ import annotations

from collections import Counter

from ..domain.errors import AutoclaveError, NotAllowed, Refused
from .body import Body, is_test
from .circumstances import circumstances
from .distance import in_words
from .drafting import make_draft
from .gate import Bench, Finding, failed, passed
from .needs import new_needs
from .powers import more, new_powers, parsed
from .source_form import parse
from .targets import Source


class SurfaceGate:
    """Where the change is, in what form, and that no judge rides along."""

    name = "surface"

    async def check(self, bench: Bench) -> Finding:
        changes = bench.draft.changes
        try:
            bench.surface.check(changes)
            for path in changes.paths:
                bench.surface.check_on_disk(bench.root, path)
        except NotAllowed as error:
            return failed(f"{', '.join(error.rules)}: {error.message}", rules=list(error.rules))
        except Refused as error:
            return failed(error.message)
        walked = in_words(bench.distances)
        summary = f"{len(changes.files)} files, all in the body{walked and '; '}{walked}"
        return passed(summary, paths=list(changes.paths), since_first=bench.distances)


class ParseGate:
    """Both parsers agree, and the bytes are exactly what the edits make of the base."""

    name = "parse"

    async def check(self, bench: Bench) -> Finding:
        draft = bench.draft
        try:
            again = make_draft(draft.edits, bench.base, surface=bench.surface, root=bench.root)
            for path in bench.changed_code:
                Source(bench.candidate.files[path].decode("utf-8"), path)
        except AutoclaveError as error:
            return failed(error.message, error=type(error).__name__)
        if again.changes.digest != draft.changes.digest or again.diff != draft.diff:
            return failed("the bytes of the draft are not what its edits make of the base")
        if again.candidate_tree != draft.candidate_tree:
            return failed("the draft names another candidate tree than its edits lead to")
        return passed(
            f"compile and LibCST take all {len(bench.changed_code)} files; the rest is untouched",
            files=list(bench.changed_code),
        )


class PowersGate:
    """What the code could do after the change and could not do before."""

    name = "capability delta"

    async def check(self, bench: Bench) -> Finding:
        added: dict[str, dict[str, int]] = {}
        declared: list[str] = []
        seen: Counter[str] = Counter()
        for capability in bench.changed_capabilities:
            new = self._new_powers(bench, capability)
            allowed = _declared(bench.base, capability)
            declared += sorted(power for power in new if power.startswith(allowed))
            undeclared = {p: n for p, n in sorted(new.items()) if not p.startswith(allowed)}
            looks = _new_circumstances(bench.base, bench.candidate, capability)
            seen += Counter({name: n for name, n in looks.items() if name.startswith("reads ")})
            undeclared |= {n: c for n, c in sorted(looks.items()) if n.startswith("decides ")}
            # As with an import: what only this very change declares is not declared.
            needs = new_needs(bench.base.manifest(capability), bench.candidate.manifest(capability))
            undeclared |= dict.fromkeys(needs, 1)
            if undeclared:
                added[capability] = undeclared
        if added:
            named = "; ".join(f"{name} gains {', '.join(new)}" for name, new in added.items())
            return failed(f"new powers: {named}", added=added, flagged=sorted(seen))
        if seen:
            named = f"no new powers, but look: it {', '.join(sorted(seen))}"
            return passed(named, declared=declared, flagged=sorted(seen))
        return passed("no new powers", declared=declared, flagged=[])

    def _new_powers(self, bench: Bench, capability: str) -> Counter[str]:
        own = _own_modules(bench.base, capability)
        code = new_powers(
            _code_of(bench.base, capability), _code_of(bench.candidate, capability), own=own
        )
        tests = new_powers(
            _code_of(bench.base, capability, tests=True),
            _code_of(bench.candidate, capability, tests=True),
            own=own | {"pytest"},
        )
        usual = ("test machinery: pytest", "import time: pytest.", "judges: ")
        return code + Counter({p: n for p, n in tests.items() if not p.startswith(usual)})


def _new_circumstances(base: Body, candidate: Body, capability: str) -> Counter[str]:
    return more(
        _code_of(base, capability),
        _code_of(candidate, capability),
        lambda source: circumstances(parsed(source)),
    )


def _code_of(body: Body, capability: str, *, tests: bool = False) -> dict[str, str]:
    below = body.below(f"capabilities/{capability}")
    return {
        path: data.decode("utf-8", "replace")
        for path, data in below.items()
        if path.endswith(".py") and is_test(path) is tests and _parses(path, data)
    }


def _parses(path: str, data: bytes) -> bool:
    try:
        parse(data.decode("utf-8", "replace"), path)
    except Refused:
        return False
    return True


def _own_modules(body: Body, capability: str) -> frozenset[str]:
    """Names that are no dependency: the capability itself, its modules, what it depends on."""
    prefix = f"capabilities/{capability}/"
    parts = (path.removeprefix(prefix).split("/")[0] for path in body.below(prefix.rstrip("/")))
    return frozenset(
        {capability, *(p.removesuffix(".py") for p in parts), *requires(body, capability)}
    )


def requires(body: Body, capability: str) -> frozenset[str]:
    """Names of the capabilities that one depends on."""
    wanted = body.manifest(capability).get("depends_on", [])
    names = wanted if isinstance(wanted, list) else []
    return frozenset(_bare_name(str(name)) for name in names)


def _bare_name(requirement: str) -> str:
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "_-.")), None)
    return requirement[:end]


def _declared(body: Body, capability: str) -> tuple[str, ...]:
    """Power prefixes that the manifest of today's body declares a need for."""
    needs = body.manifest(capability).get("needs", {})
    if not isinstance(needs, dict):
        return ()
    allowed: list[str] = []
    if needs.get("network"):
        allowed.append("network: ")
    if needs.get("commands"):
        allowed += ["process: subprocess", "process: asyncio.create_subprocess"]
    return tuple(allowed)
