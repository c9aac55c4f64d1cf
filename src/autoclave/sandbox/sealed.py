"""The sandbox that the rest of the program sees: it chooses a tier, proves it, and runs in it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput, SandboxUnavailable
from ..domain.sealed import Ended, Limits, SealedResult, SealedRun, SelfTest, Tier
from . import macos, places
from .calling import Line, LineBroken, answered
from .helper import Helper, NoHelper, options_of
from .launching import Answer, launch, rehearse
from .refusal import unavailable
from .routes import Route, bubblewrap, present
from .scratch import is_scratch, scratch_below

_LAST = Tier.RESTRICTED
_NEWEST_ABI = 99


class SealedSandbox:
    """Port `Sandbox`. One instance serves any number of runs at once."""

    def __init__(
        self,
        *,
        base: Path,
        require_self_test: bool = True,
        warm: bool = False,
        least: Tier | None = None,
        most_abi: int = _NEWEST_ABI,
        routes: tuple[Route, ...] | None = None,
        system: str = sys.platform,
    ) -> None:
        """`base` holds the scratch folders; `most_abi` lets tests stand on an older kernel.

        `routes` are the ways into FULL that may be tried, in this order; without it, all there are.

        `system` is the one to seal on; tests of what is common to all stand on another one.

        `warm` keeps helpers that begin Python runs sooner; then `close` has to be called. With
        `least`, a run that asks for no tier gets that one or is refused.
        """
        self._base = base
        self._require_self_test = require_self_test
        self._most_abi = most_abi
        self._warm = warm
        self._least = least
        self._helpers: dict[tuple[str, ...], Helper] = {}
        self._tested: dict[Tier, SelfTest] = {}
        self._refusals: dict[Tier, SandboxUnavailable] = {}
        """Why a tier is not to be had here; asked once, because asking takes time."""
        self._rehearsed: set[Tier] = set()
        self.system = system
        self._is_macos = system == "darwin"
        self._routes = list(present() if routes is None else routes) * (not self._is_macos)
        """The first one is taken; what did not lead to FULL is no longer in it."""
        self._closed: dict[Route, SandboxUnavailable] = {}
        if not self._routes:
            why = macos.NO_FULL if self._is_macos else "no route into FULL may be tried"
            self._refusals[Tier.FULL] = SandboxUnavailable(why)

    def scratch(self) -> AbstractContextManager[Path]:
        return scratch_below(self._base)

    async def run(self, run: SealedRun) -> SealedResult:
        """Run one command sealed. Cancelling the task kills the whole tree first."""
        order = self._order(run)
        tier = await self._choose(run.tier or self._least)
        order |= self._way(tier)
        if run.answer is None:
            report, streams = await self._launch(order, run)
            return _result(report, streams, tier)
        try:
            report, streams = await answered(
                run.answer, lambda line: self._launch(order, run, line)
            )
        except LineBroken as broken:
            return _cut_off(broken, tier)
        return _result(report, streams, tier)

    def close(self) -> None:
        """End the helpers, if there are any. Runs that are still going are killed."""
        while self._helpers:
            self._helpers.popitem()[1].close()

    async def run_untested(self, run: SealedRun, tier: Tier) -> tuple[SealedResult, JsonObject]:
        """A run before the self-test has passed, with the launcher's facts: for the self-test."""
        order = self._order(run) | self._way(tier)
        report, streams = await launch(order, run.stdin)
        return _result(report, streams, tier), report

    async def self_test(self) -> SelfTest:
        """Try escapes and everyday work in the best tier; the first that passes is remembered.

        The facts say why a better tier was given up. When none passes, the answer is the failed
        test of the last one, or SandboxUnavailable when that one cannot even be tried.
        """
        for tier in Tier:
            test = await self._try(tier)
            if test and test.ok:
                return self._with_reasons(test)
        return self._with_reasons(test or await self._test(_LAST))

    def tiers(self) -> tuple[Tier, ...]:
        """Found by setting everything up in a child that then leaves without running anything."""
        for tier in Tier:
            if tier not in self._rehearsed:
                self._rehearse(tier)
        return tuple(tier for tier in Tier if tier not in self._refusals)

    async def _choose(self, asked: Tier | None) -> Tier:
        """The tier asked for, or the best. SandboxUnavailable when it is not to be had."""
        if asked in self._refusals:
            raise self._told(asked)
        if not self._require_self_test:
            tiers = (asked,) if asked else await asyncio.to_thread(self.tiers)
            return tiers[0] if tiers else _LAST
        test = await self._try(asked) if asked else await self.self_test()
        if test is None:
            raise self._told(asked or _LAST)
        if not test.ok:
            raise _leak(test)
        return test.tier

    async def _try(self, tier: Tier) -> SelfTest | None:
        """The self-test of one tier; None when it was given up, which is noted with its reason."""
        if tier is _LAST:
            # There is nothing to fall back to, so every run may hope anew.
            return await self._test(tier)
        test = None
        while self._routes and (test is None or not test.ok):
            test = await self._try_route(tier)
        return test

    async def _try_route(self, tier: Tier) -> SelfTest | None:
        route = self._routes[0]
        try:
            test = await self._test(tier)
        except SandboxUnavailable as refusal:
            self._close(route, refusal)
            return None
        if not test.ok:
            self._close(route, _leak(test))
        return test

    def _close(self, route: Route, why: SandboxUnavailable) -> None:
        """Give a route up; the tier's refusal tells of the first one, which is the usual one."""
        self._closed.setdefault(route, why)
        if route in self._routes:
            self._routes.remove(route)
        if not self._routes:
            self._refusals.setdefault(Tier.FULL, next(iter(self._closed.values())))

    async def _launch(self, order: JsonObject, run: SealedRun, line: Line | None = None) -> Answer:
        """Warm where that is wanted and makes no difference, else by a launcher of its own."""
        can_be_warm = self._warm and order.keys().isdisjoint(("bubblewrap", "seal"))
        options = options_of(run) if can_be_warm else None
        more = (line,) if line else ()
        if options is None:
            return await launch(order, run.stdin, *more)
        try:
            return await self._helper(options).launch(order | {"warm": True}, run.stdin, *more)
        except NoHelper:
            return await launch(order, run.stdin, *more)

    def _helper(self, options: tuple[str, ...]) -> Helper:
        helper = self._helpers.get(options)
        if helper is None or not helper.is_alive:
            if helper:
                helper.close()
            helper = self._helpers[options] = Helper(options)
        return helper

    async def _test(self, tier: Tier) -> SelfTest:
        from .selftest import try_escapes

        # Two first runs at once test twice; a lock would tie the instance to one event loop.
        known = self._tested.get(tier)
        if known:
            return known
        route = {} if tier is _LAST else {"route": str(self._routes[0])}
        test = await try_escapes(self, tier)
        test = replace(test, facts=test.facts | route)
        if test.ok:
            self._tested[tier] = test
        return test

    def _told(self, tier: Tier) -> SandboxUnavailable:
        refusal = self._refusals[tier]
        return SandboxUnavailable(
            f"this run asks for tier {tier}, which is not to be had here: {refusal.message}",
            hint=refusal.hint,
        )

    def _with_reasons(self, test: SelfTest) -> SelfTest:
        reasons = {str(tier): refusal.message for tier, refusal in self._refusals.items()}
        reasons |= {str(route): refusal.message for route, refusal in self._closed.items()}
        return replace(test, facts=test.facts | reasons) if reasons else test

    def _rehearse(self, tier: Tier) -> None:
        self._rehearsed.add(tier)
        if tier is _LAST:
            why = self._refusal_of(tier)
            if why:
                self._refusals.setdefault(tier, why)
            return
        while self._routes and (why := self._refusal_of(tier)):
            self._close(self._routes[0], why)

    def _refusal_of(self, tier: Tier) -> SandboxUnavailable | None:
        try:
            with self.scratch() as folder:
                order = self._order(SealedRun(argv=("python",), folder=folder))
                rehearse(order | self._way(tier))
        except SandboxUnavailable as refusal:
            return refusal
        return None

    def _way(self, tier: Tier) -> JsonObject:
        """What the launcher is told of the tier, and of the route into it."""
        way = {"tier": str(tier)}
        if tier is not _LAST and self._routes[:1] == [Route.BUBBLEWRAP]:
            way["bubblewrap"] = bubblewrap()
        return way

    def _order(self, run: SealedRun) -> JsonObject:
        if self.system not in ("linux", "darwin"):
            why = {"step": "look at the system", "why": f"this is {self.system}"}
            raise unavailable(why, Tier.RESTRICTED)
        if not run.argv or any("\0" in word for word in run.argv):
            raise InvalidInput("a sealed run needs a program, and no zero bytes in its arguments")
        folder = run.folder.resolve()
        _make_temporary(folder)
        trees = (*places.standard_trees(), *places.further_trees(run.readable))
        # What lies in the folder can be read as it is.
        readable = [str(tree) for tree in dict.fromkeys(trees) if folder not in tree.parents]
        links = places.standard_links()
        order = {
            "argv": [places.program(run.argv[0]), *run.argv[1:]],
            "folder": str(folder),
            "readable": readable,
            "links": links,
            "environment": places.environment(folder, run.environment),
            "limits": asdict(_checked(run.limits)),
            "most_abi": self._most_abi,
        }
        if self._is_macos:
            order["seal"] = macos.seal(readable=readable, links=links, folder=str(folder))
        return order


def _leak(test: SelfTest) -> SandboxUnavailable:
    failed = ", ".join(probe.name for probe in test.probes if not probe.passed)
    return SandboxUnavailable(
        f"tier {test.tier} did not pass its own test: {failed}; nothing was run",
        hint="`autoclave sandbox test` shows every probe",
    )


def _result(report: JsonObject, streams: list[bytes], tier: Tier) -> SealedResult:
    out, err, result = streams
    return SealedResult(
        ended=Ended(report["ended"]),
        exit_code=report["exit_code"],
        stdout=out,
        stderr=err,
        stdout_lost=report["lost"][0],
        stderr_lost=report["lost"][1],
        result=result,
        wall_seconds=report["wall_seconds"],
        cpu_seconds=report["cpu_seconds"],
        max_rss_bytes=report["max_rss_bytes"],
        stray_processes=report["strays"],
        tier=tier,
    )


def _cut_off(broken: LineBroken, tier: Tier) -> SealedResult:
    """What there is to say of a run that misused its line and was ended for it."""
    return SealedResult(
        ended=Ended.CALLS,
        exit_code=137,
        stdout=b"",
        stderr=b"",
        stdout_lost=0,
        stderr_lost=0,
        result=b"",
        wall_seconds=broken.after_seconds,
        cpu_seconds=0.0,
        max_rss_bytes=0,
        stray_processes=0,
        tier=tier,
        why=broken.why,
    )


def _checked(limits: Limits) -> Limits:
    if any(value <= 0 for value in asdict(limits).values()):
        raise InvalidInput(f"every limit of a sealed run has to be above zero: {limits}")
    return limits


def _make_temporary(folder: Path) -> None:
    """Make the folder for temporary files; a link planted under its name is not followed."""
    if not folder.is_dir() or not is_scratch(folder):
        raise InvalidInput(
            f"{folder} is not a scratch folder", hint="copy what is needed into `scratch()`"
        )
    temporary = folder / places.TEMPORARY
    if os.path.lexists(temporary):
        if temporary.is_symlink() or not temporary.is_dir():
            raise InvalidInput(f"{temporary} has to be a folder of its own")
        return
    temporary.mkdir(mode=0o700)
