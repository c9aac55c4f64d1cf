"""Which language models a home may ask."""

from __future__ import annotations

from pathlib import Path

from ..core.models.choosing import Models, ModelSettings
from ..core.redaction import Redaction
from ..settings import Settings, settings_file


def open_models(settings: Settings, redaction: Redaction) -> Models:
    """Imported with the first goal that asks for one."""
    chosen = ModelSettings(
        model=settings.model,
        model_name=settings.model_name,
        openai_base_url=settings.openai_base_url,
        own_prices=own_prices(),
        calls_at_once=settings.model_calls_at_once,
        requests_per_minute=settings.model_requests_per_minute,
        tokens_per_minute=settings.model_tokens_per_minute,
        record=Path(settings.model_record).expanduser() if settings.model_record else None,
        redaction=redaction,
    )
    return Models(chosen)


def own_prices() -> Path:
    return settings_file().with_name("prices.toml")
