"""What touches files, runs code and reaches outside; the workshop that they serve."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ..capabilities import host
from ..capabilities.discovery import discover
from ..capabilities.registry import Registry
from ..capabilities.runner import SealedToolbox
from ..capabilities.trials import Trials
from ..core.mind_trials import SealedTrials
from ..domain.canonical import JsonObject
from ..domain.risk import Risk
from ..domain.sealed import Tier
from ..governance.gate import PolicyGate
from ..modification.gate import MindSide
from ..modification.lineage import Lineage
from ..modification.workshop import LibcstWorkshop
from ..monitoring.live import Live
from ..research.fetching import GuardedFetcher
from ..sandbox.files import SafeFiles
from ..sandbox.sealed import SealedSandbox
from ..service.home import Home
from ..service.watched import WatchedSandbox
from ..settings import Settings

CAPABILITIES = "capabilities"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What touches files, runs code and reaches outside."""

    files: SafeFiles
    sandbox: SealedSandbox
    fetcher: GuardedFetcher

    def toolbox(self, registry: Registry) -> SealedToolbox:
        return SealedToolbox(registry=registry, sandbox=self.sandbox, files=self.files)

    def toolbox_at(self, folder: Path) -> SealedToolbox:
        """Over the capabilities below another folder: for candidates."""
        return self.toolbox(Registry(discover([folder / "capabilities"]).manifests))


def open_hands(home: Home, settings: Settings, gate: PolicyGate, live: Live) -> Hands:
    """RESTRICTED is the least there is, so only a tier of risk that wants more narrows it."""
    wants_full = any(gate.policy.terms(risk).sandbox is Tier.FULL for risk in Risk)
    least = Tier.FULL if wants_full else None
    return Hands(
        files=SafeFiles(),
        sandbox=WatchedSandbox(base=home.scratch, warm=True, least=least, seen=live.sealed),
        fetcher=GuardedFetcher(allow_private=settings.servers_of_ones_own),
    )


def open_workshop(home: Home, hands: Hands, trials: SealedTrials) -> LibcstWorkshop:
    async def run_examples(folder: Path, name: str) -> list[JsonObject]:
        registry = hands.toolbox_at(folder).registry
        trials = Trials(sandbox=hands.sandbox, files=hands.files)
        manifest = registry.get(name)
        ran = await trials.examples(manifest, dependencies=registry.closure(manifest))
        return [{"ok": each.ok, "summary": f"{each.name}: {each.why}"} for each in ran]

    return LibcstWorkshop(
        root=home.root,
        prefixes=(CAPABILITIES,),
        mind=MindSide(folder=home.mind_folder, trials=trials),
        sandbox=hands.sandbox,
        files=hands.files,
        lineage=Lineage(home.lineage, clock=time.time),
        run_examples=run_examples,
        test_helpers=Path(host.__file__),
    )
