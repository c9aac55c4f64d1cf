"""Carrying out a plan, one step at a time."""

from __future__ import annotations

from .conversing import converse
from .learning import learn
from .model_plans import is_open
from .recovery import recover
from .stepping import failed_step, next_intent
from .views import JsonObject, Reply, View, reply


def execute(view: View) -> Reply:
    """The next step, the claim to be done, or what to do about a failure."""
    done = view["done_result"]
    if is_open(view["plan"]) and not (done and done["ok"]):
        return converse(view)
    if done is not None:
        return _after_done_test(view, done)
    failed = failed_step(view)
    if failed is not None:
        return recover(view, view["results"][failed["name"]]["failure"], step=failed)
    intent = next_intent(view)
    return reply(intent, why=f"step {intent['step']}" if "step" in intent else intent["summary"])


def _after_done_test(view: View, done: JsonObject) -> Reply:
    if not done["ok"]:
        return recover(view, done["failure"], step=None)
    learned = learn(view)
    return reply(learned["intent"], path=("LEARNING", *learned["path"]), why=learned["why"])
