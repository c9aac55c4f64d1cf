"""Which model is chosen, and what stands before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.fakes_models import ask, user

from autoclave.core.models.batches import ClaudeBatches
from autoclave.core.models.choosing import Models, ModelSettings, adapter_of
from autoclave.core.models.claude import Claude
from autoclave.core.models.queueing import Queued
from autoclave.core.models.recorded import Recorded, Recorder
from autoclave.core.scripted_model import ScriptedModel
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


async def test_what_a_cassette_holds_is_played_where_it_is_asked_for(tmp_path: Path) -> None:
    """By its file, with the name of the model that was recorded; without a queue or a key."""
    file = tmp_path / "goal.jsonl"
    await Recorder(ScriptedModel("four"), file).complete(ask(user("two and two?")))

    played = models().choose(f"recorded:{file}")

    assert isinstance(played, Recorded)
    assert (await played.complete(ask(user("two and two?")))).text == "four"


def test_a_cassette_has_to_be_named_and_to_be_there(tmp_path: Path) -> None:
    """Nobody else answers in its place."""
    with pytest.raises(ConfigurationInvalid, match="cassette"):
        models(KEY).choose("recorded")
    with pytest.raises(InvalidInput, match="can't be read"):
        models(KEY).choose(f"recorded:{tmp_path / 'nothing'}")


def test_the_recorder_stands_before_the_queue(tmp_path: Path) -> None:
    """Batches and the doctor still find who asks in earnest."""
    chosen = models(KEY, record=tmp_path / "goal.jsonl")

    model = chosen.choose("auto")

    assert isinstance(model, Recorder)
    assert isinstance(model.inner, Queued)
    assert isinstance(adapter_of(model), Claude)
    assert isinstance(chosen.batches("auto"), ClaudeBatches)
