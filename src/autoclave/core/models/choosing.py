"""Which model a goal is pursued with: as asked for, or whatever is configured here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...domain.errors import ConfigurationInvalid, InvalidInput
from ...domain.ports import BatchModel, LanguageModel
from ..redaction import Redaction
from .prices import Price, price_of

OFFLINE, AUTO, CLAUDE, OPENAI, RECORDED = "offline", "auto", "claude", "openai", "recorded"
KINDS = (AUTO, CLAUDE, OPENAI, OFFLINE, RECORDED)
DEFAULT_CLAUDE = "claude-opus-5-5"
_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE")
_IDENTITY = ("ANTHROPIC_IDENTITY_TOKEN", "ANTHROPIC_IDENTITY_TOKEN_FILE")
_ACTIVE = "active_config"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What a person chose; a goal may say otherwise."""

    model: str = AUTO
    model_name: str = ""
    openai_base_url: str = ""
    own_prices: Path | None = None
    calls_at_once: int = 4
    requests_per_minute: int = 0
    """0 for no limit; the same for tokens."""
    tokens_per_minute: int = 0
    record: Path | None = None
    """The cassette that every answer is recorded on."""
    redaction: Redaction | None = None
    """Finds what must not stand on a cassette; without it, by shape and the environment alone."""


def adapter_of(model: LanguageModel | None) -> LanguageModel | None:
    """What asks in earnest, behind the recorder and the queue."""
    while inner := getattr(model, "inner", None):
        model = inner
    return model


class Models:
    """Adapters by what is asked for: `auto`, `openai:NAME`, `recorded:FILE` …; each made once."""

    def __init__(
        self, settings: ModelSettings, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._environment = os.environ if environment is None else environment
        self._made: dict[tuple[str, str], LanguageModel] = {}

    def choose(self, asked: str) -> LanguageModel | None:
        """The model for a goal; None to work without one.

        Raises InvalidInput for what is no choice, ConfigurationInvalid for what can't be used.
        """
        kind, name = self.resolve(asked)
        if kind == OFFLINE:
            return None
        if kind == CLAUDE:
            name = name or DEFAULT_CLAUDE
        if (kind, name) not in self._made:
            self._made[kind, name] = self._make(kind, name)
        return self._made[kind, name]

    def batches(self, asked: str) -> BatchModel | None:
        """The same model for questions that are sent together; None where it takes none."""
        from .claude import Claude

        if self.resolve(asked)[0] != CLAUDE:
            return None
        model = adapter_of(self.choose(asked))
        if not isinstance(model, Claude):
            return None
        from .batches import ClaudeBatches

        return ClaudeBatches(model, self._price(model.name))

    def resolve(self, asked: str) -> tuple[str, str]:
        """What `asked` comes to here: one of the kinds but `auto`, and the model's name."""
        kind, _, name = (asked or AUTO).partition(":")
        if kind == AUTO:
            kind = self._settings.model
            name = name or self._settings.model_name
        if kind not in KINDS:
            raise InvalidInput(
                f"{kind!r} is no kind of model", hint=f"choose one of {', '.join(KINDS)}"
            )
        if kind == AUTO:
            kind = self._configured()
        own = self._settings.model_name if self._settings.model in (kind, AUTO) else ""
        return kind, name or own

    def credential(self) -> str:
        """Which credential wins for Claude, in the order of its SDK; empty for none."""
        if found := next((n for n in (*_KEYS, *_IDENTITY) if self._environment.get(n)), ""):
            return f"${found}"
        folder = self._environment.get("ANTHROPIC_CONFIG_DIR")
        active = (Path(folder) if folder else Path.home() / ".config" / "anthropic") / _ACTIVE
        return str(active) if active.is_file() else ""

    async def aclose(self) -> None:
        """Let go of the connections."""
        for model in self._made.values():
            if close := getattr(model, "aclose", None):
                await close()
        self._made.clear()

    def _configured(self) -> str:
        if self.credential():
            return CLAUDE
        return OPENAI if self._settings.openai_base_url else OFFLINE

    def _make(self, kind: str, name: str) -> LanguageModel:
        if kind == RECORDED:
            return self._recorded(name)
        model = self._queued(self._makers()[kind](name))
        if self._settings.record is None:
            return model
        from .recorded import Recorder

        # Before the queue: the calls stand on it in the order in which they were asked for.
        return Recorder(model, self._settings.record, redaction=self._settings.redaction)

    def _recorded(self, name: str) -> LanguageModel:
        from .recorded import Recorded

        if not name:
            raise ConfigurationInvalid(
                "no cassette is named", hint="name its file: --model-name FILE"
            )
        return Recorded(Path(name).expanduser(), redaction=self._settings.redaction)

    def _queued(self, model: LanguageModel) -> LanguageModel:
        """One queue for all who ask this model."""
        from .queueing import Queued

        return Queued(
            model,
            at_once=self._settings.calls_at_once,
            requests_per_minute=self._settings.requests_per_minute,
            tokens_per_minute=self._settings.tokens_per_minute,
            clock=time.time,
        )

    def _makers(self) -> Mapping[str, Callable[[str], LanguageModel]]:
        return {CLAUDE: self._claude, OPENAI: self._openai}

    def _claude(self, name: str) -> LanguageModel:
        from .claude import Claude

        return Claude(self._price(name), model=name)

    def _price(self, name: str) -> Price:
        price = price_of(name, own=self._settings.own_prices)
        if price is None:
            raise ConfigurationInvalid(
                f"the price of {name!r} is not known, so no budget could hold",
                hint="put it into prices.toml in the folder of your settings, or choose another "
                "model with --model-name",
            )
        return price

    def _openai(self, name: str) -> LanguageModel:
        from .openai_compatible import OpenAICompatible
        from .openai_prices import OPENAI as OPENAI_URL
        from .openai_prices import price_at

        if not name:
            raise ConfigurationInvalid(
                "an OpenAI-compatible server has no usual model", hint="name one: --model-name NAME"
            )
        base_url = self._settings.openai_base_url or OPENAI_URL
        price = price_at(name, base_url, own=self._settings.own_prices)
        return OpenAICompatible(price, model=name, base_url=base_url)
