"""Whose server it is, and so what a model costs there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes_models import ask

from autoclave.core.models.openai_prices import OPENAI, is_private, price_at
from autoclave.core.models.prices import FREE
from autoclave.domain.errors import ConfigurationInvalid
from autoclave.domain.model import Tokens

OWN = """
[mine]
since = 2026-11-20
source = "my contract"

[mine.models."gpt-6-sol"]
input = 3.0
output = 15.0
cache_read = 0.3
cache_write = 3.0
window = 100_000
most_output = 10_000
"""


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:11434/v1",
        "http://127.0.0.1:1234/v1",
        "http://[::1]:8000/v1",
        "http://192.168.1.7:8000/v1",
        "http://10.0.0.1/v1",
        "http://100.64.0.9/v1",
        "http://[fd00::1]/v1",
        "http://gpu-box:8000/v1",
        "http://gpu.local/v1",
        "http://host.docker.internal:11434/v1",
    ],
)
def test_ones_own_network_is_free(url: str) -> None:
    """A model that nobody sells."""
    assert price_at("qwen3-coder", url).rates == FREE


@pytest.mark.parametrize(
    "url",
    [
        "https://api.runpod.ai/v2/x/openai/v1",
        "http://8.8.8.8/v1",
        "http://[2001:4860:4860::8888]/v1",
        "https://localhost.example.com/v1",
        "https://api.openai.com.evil.example/v1",
        "no address",
    ],
)
def test_elsewhere_somebody_has_to_say(url: str) -> None:
    """Without a price no budget could be kept; the error says where to write it."""
    assert not is_private(url)

    with pytest.raises(ConfigurationInvalid, match="qwen3-coder") as raised:
        price_at("qwen3-coder", url)

    assert "prices.toml" in raised.value.hint


def test_the_prices_that_ship_are_those_of_openai() -> None:
    """Another seller may ask for more under the same name."""
    assert price_at("gpt-6-sol", OPENAI).rates.output == 10.0
    assert price_at("gpt-6-sol-2026-09-22", OPENAI).rates.output == 10.0
    assert price_at("gpt-6-sol", "http://localhost:4000/v1").rates.output == 10.0
    with pytest.raises(ConfigurationInvalid):
        price_at("gpt-6-sol", "https://eu.api.openai.com/v1")


@pytest.mark.parametrize("model", ["gpt-6-sol-pro", "gpt-6-sol-2026-09-22-pro", "gpt-6"])
def test_a_name_that_goes_on_is_another_model(model: str) -> None:
    """With another price, most often a higher one."""
    with pytest.raises(ConfigurationInvalid):
        price_at(model, OPENAI)


def test_ones_own_price_holds_everywhere(tmp_path: Path) -> None:
    """It beats what ships."""
    own = tmp_path / "prices.toml"
    own.write_text(OWN)

    for url in (OPENAI, "https://reseller.example/v1", "http://localhost:1/v1"):
        assert price_at("gpt-6-sol", url, own=own).source == "my contract"


def test_a_long_prompt_costs_more_all_of_it() -> None:
    """Past 272,000 tokens; the reckoning before a call knows that too."""
    price = price_at("gpt-6-sol", OPENAI)

    short = price.usd(Tokens(input=272_000, output=1_000_000))
    long = price.usd(Tokens(input=272_001, output=1_000_000))

    assert short == pytest.approx(0.544 + 10)
    assert long == pytest.approx(1.088004 + 15)
    assert price.most(ask(), read=300_000) > price.rates.usd(Tokens(cache_write=300_000))
