"""What earlier goals taught, as the model is told it: data, with whose words it is."""

from __future__ import annotations

from typing import Any

from autoclave.mind.conversing import converse
from autoclave.mind.model_plans import open_plan


def test_a_models_lesson_about_a_pattern_is_told_inside_the_fence(make_view: Any) -> None:
    """After those that were lived through, and never as the person's own words."""
    recalled = {
        "experiences": [{"lesson": "lived"}],
        "plans": [],
        "patterns": [{"lesson": "told", "uses": 7}, {"lesson": ""}, {"id": "old"}],
    }
    view = make_view(
        "mend a.py",
        state="EXECUTING",
        plan=open_plan(1, ["read_file"], "look first"),
        model="m",
        model_limits={"window": 200_000, "output": 32_000},
        recalled=recalled,
    )

    [opening, *_] = converse(view)["intent"]["messages"]

    text = "".join(block["text"] for block in opening["content"])
    fence = view["run"]["fence"]
    opening_mark = f'<data-{fence} from="lessons" origin="capability">'
    fenced = text.partition(opening_mark)[2].partition(f"</data-{fence}>")[0]
    assert fenced.strip().splitlines() == ["- lived", "- (a model's words for 7 goals) told"]
