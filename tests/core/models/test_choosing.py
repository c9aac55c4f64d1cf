"""Which model is chosen, and what stands before it."""

from __future__ import annotations

from typing import Any

import pytest

from autoclave.core.models.batches import ClaudeBatches
from autoclave.core.models.choosing import Models, ModelSettings
from autoclave.core.models.queueing import Queued
from autoclave.domain.errors import ConfigurationInvalid, InvalidInput

KEY = {"ANTHROPIC_API_KEY": "x"}


def models(environment: dict[str, str] | None = None, **settings: Any) -> Models:
    given = {"ANTHROPIC_CONFIG_DIR": "/nowhere", **(environment or {})}
    return Models(ModelSettings(**settings), environment=given)


def test_all_who_ask_for_one_model_stand_in_one_queue() -> None:
    """Whether they name it, take the usual one or leave it open."""
    chosen = models(KEY)

    usual = chosen.choose("auto")

    assert isinstance(usual, Queued)
    assert chosen.choose("claude") is usual
    assert chosen.choose("claude:claude-opus-5-5") is usual
    assert chosen.choose("claude:claude-haiku-5-5") is not usual


def test_batches_are_claudes() -> None:
    """Nobody else's here: nothing is configured, offline, or another server."""
    found = models(KEY).batches("auto")

    assert isinstance(found, ClaudeBatches)
    assert found.name == "claude-opus-5-5"
    assert models().batches("auto") is None
    assert models(KEY).batches("offline") is None
    assert models(openai_base_url="http://localhost:1/v1").batches("openai:x") is None


def test_a_model_without_a_price_takes_no_batches_either() -> None:
    """No budget could hold."""
    with pytest.raises(ConfigurationInvalid, match="price"):
        models(KEY).batches("claude:claude-of-tomorrow")
    with pytest.raises(InvalidInput):
        models(KEY).batches("gemini")
