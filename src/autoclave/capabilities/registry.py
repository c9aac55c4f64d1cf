"""The capabilities that are offered, by name, with their versions and dependencies resolved."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from packaging.requirements import Requirement
from packaging.version import Version

from ..domain.capability import Manifest
from ..domain.errors import Conflict, NotFound


class Registry:
    """Which capabilities there are, which are offered, and why the others are not.

    `enrolled` says which tree digest was enrolled under a name; None offers all that were found
    (a candidate on trial). `trusted_trees` are digests that need no enrolment because the home's
    own history vouches for them.
    """

    def __init__(
        self,
        manifests: Iterable[Manifest],
        *,
        enrolled: Mapping[str, str] | None = None,
        trusted_trees: Collection[str] = frozenset(),
    ) -> None:
        self._found: dict[str, list[Manifest]] = defaultdict(list)
        for manifest in manifests:
            self._found[manifest.name].append(manifest)
        self._refused: dict[str, str] = {}
        self._offered: dict[str, Manifest] = {}
        for name, versions in sorted(self._found.items()):
            self._choose(name, versions, enrolled=enrolled, trusted=trusted_trees)
        self._drop_unresolved()

    @property
    def offered(self) -> tuple[Manifest, ...]:
        """One manifest for each name that may be used, sorted by name."""
        return tuple(self._offered.values())

    @property
    def refused(self) -> Mapping[str, str]:
        """Why a name that was found is not offered."""
        return dict(self._refused)

    def get(self, name: str) -> Manifest:
        """The one that is offered under a name. Raises NotFound with the reason or the nearest."""
        if name in self._offered:
            return self._offered[name]
        if name in self._refused:
            raise NotFound(
                f"the capability {name} is not offered: {self._refused[name]}",
                hint=f"autoclave capability show {name}",
            )
        near = difflib.get_close_matches(name, self._offered, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "autoclave capability list"
        raise NotFound(f"there is no capability {name!r}", hint=hint)

    def versions(self, name: str) -> tuple[Manifest, ...]:
        """Everything that was found under a name, newest first."""
        found = self._found.get(name, [])
        return tuple(sorted(found, key=_version, reverse=True))

    def closure(self, manifest: Manifest) -> tuple[Manifest, ...]:
        """What a capability depends on, directly or not, each after its own dependencies.

        Raises NotFound for a missing one, Conflict for a wrong version or a circle, by name.
        """
        graph: dict[str, set[str]] = {}
        waiting = [manifest]
        while waiting:
            one = waiting.pop()
            known = {**self._offered, manifest.name: manifest}
            below = {_required(one, text, known) for text in one.depends_on}
            graph[one.name] = below
            waiting.extend(known[name] for name in sorted(below - graph.keys()))
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise Conflict(f"dependencies in a circle: {_circle(error)}") from error
        return tuple(self._offered[name] for name in order if name != manifest.name)

    def providers(self, semantic_type: str) -> tuple[Manifest, ...]:
        """Those that give a value of this semantic type."""
        return tuple(m for m in self.offered if semantic_type in m.provides)

    def serving(self, goal: str) -> tuple[Manifest, ...]:
        """Those that can bring such a goal to its end, most of its words first."""
        words = goal.lower()
        hits = {m.name: sum(phrase.lower() in words for phrase in m.serves) for m in self.offered}
        fitting = [m for m in self.offered if hits[m.name]]
        return tuple(sorted(fitting, key=lambda m: (-hits[m.name], m.name)))

    def _choose(
        self,
        name: str,
        versions: Iterable[Manifest],
        *,
        enrolled: Mapping[str, str] | None,
        trusted: Collection[str],
    ) -> None:
        fit = [
            m
            for m in versions
            if enrolled is None or m.tree in trusted or enrolled.get(name) == m.tree
        ]
        if fit:
            # `max` takes the first of equals: an earlier folder wins.
            self._offered[name] = max(fit, key=_version)
        elif enrolled is not None and name in enrolled:
            self._refused[name] = "its files are not those that were enrolled"
        else:
            self._refused[name] = "it was never enrolled"

    def _drop_unresolved(self) -> None:
        """Take out what can't be resolved until the rest holds together."""
        while True:
            broken = {}
            for manifest in self.offered:
                try:
                    self.closure(manifest)
                except (NotFound, Conflict) as error:
                    broken[manifest.name] = error.message
            if not broken:
                return
            self._refused.update(broken)
            for name in broken:
                del self._offered[name]


def _required(manifest: Manifest, text: str, known: Mapping[str, Manifest]) -> str:
    wanted = Requirement(text)
    found = known.get(wanted.name)
    if found is None:
        raise NotFound(f"{manifest.name} depends on {text}, which is not offered")
    if not wanted.specifier.contains(found.version):
        raise Conflict(f"{manifest.name} depends on {text}, but {found.name} is {found.version}")
    return wanted.name


def _circle(error: CycleError) -> str:
    return " -> ".join(reversed(error.args[1]))


def _version(manifest: Manifest) -> Version:
    return Version(manifest.version)
