"""The prompt cache bills what a request really shares with those before it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.servers.prompt import prompt_of
from tests.servers.prompt_cache import CacheUse, PromptCache
from tests.servers.serving import Clock

LONG = "word " * 1000
MARK = {"type": "ephemeral"}


def body(*texts: str, marked: tuple[int, ...] = (), ttl: str = "5m", **more: Any) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts]
    for place in marked:
        blocks[place]["cache_control"] = {**MARK, "ttl": ttl}
    return {"model": "m", "messages": [{"role": "user", "content": blocks}], **more}


def use(cache: PromptCache, request: dict[str, Any]) -> CacheUse:
    return cache.use(prompt_of(request))


def test_a_prefix_is_written_once_and_read_after() -> None:
    """The second request pays only for what it added."""
    cache = PromptCache(Clock())

    first = use(cache, body(LONG, marked=(0,)))
    second = use(cache, body(LONG, "more", marked=(1,)))

    assert (first.read, first.plain) == (0, 0)
    assert second.read == first.written
    assert second.written == prompt_of(body("more")).size


def test_what_is_not_marked_is_not_kept() -> None:
    """Without a breakpoint the same request costs the same twice."""
    cache = PromptCache(Clock())
    use(cache, body(LONG))

    again = use(cache, body(LONG))

    assert (again.read, again.written) == (0, 0)


def test_a_prompt_below_the_minimum_is_not_kept() -> None:
    """The marker is then without effect, and no error."""
    cache = PromptCache(Clock(), minimum=5000)
    use(cache, body(LONG, marked=(0,)))

    again = use(cache, body(LONG, marked=(0,)))

    assert (again.read, again.written) == (0, 0)


def test_one_changed_word_at_the_front_misses_everything() -> None:
    """A prefix is all or nothing."""
    cache = PromptCache(Clock())
    use(cache, body(LONG, LONG, marked=(1,)))

    changed = use(cache, body(f"x{LONG}", LONG, marked=(1,)))

    assert changed.read == 0


def test_an_entry_lives_its_time_and_a_read_renews_it() -> None:
    """Five minutes after the last use it is gone; an hour where an hour was asked."""
    for ttl, seconds in (("5m", 300), ("1h", 3600)):
        clock = Clock()
        cache = PromptCache(clock)
        request = body(LONG, marked=(0,), ttl=ttl)
        use(cache, request)

        clock.advance(seconds - 10)
        alive = use(cache, request)
        clock.advance(seconds - 10)
        renewed = use(cache, request)
        clock.advance(seconds + 10)
        gone = use(cache, request)

        assert alive.read == renewed.read > 0
        assert gone.read == 0


def test_writes_are_counted_by_how_long_they_are_kept() -> None:
    """An hour for the system, five minutes for the talk: two prices."""
    request = body(LONG, marked=(0,)) | {
        "system": [{"type": "text", "text": LONG, "cache_control": {**MARK, "ttl": "1h"}}]
    }

    used = use(PromptCache(Clock()), request)

    assert used.written_1h == used.written_5m == prompt_of(body(LONG)).size


def test_an_answer_still_awaited_cannot_be_read_from() -> None:
    """Concurrent calls each write; only the one after the answer began reads."""
    clock = Clock()
    cache = PromptCache(clock)
    prompt = prompt_of(body(LONG, marked=(0,)))

    cache.use(prompt, answered_in_seconds=5)
    meanwhile = cache.use(prompt)
    clock.advance(6)
    after = cache.use(prompt)

    assert meanwhile.read == 0
    assert after.read == prompt.size


def test_a_marker_far_behind_the_entry_does_not_find_it() -> None:
    """The search looks back over twenty blocks and no further."""
    texts = [f"block {n}" for n in range(25)]
    cache = PromptCache(Clock())
    use(cache, body(LONG, *texts[:1], marked=(0,)))

    near = use(cache, body(LONG, *texts[:20], marked=(20,)))
    cache = PromptCache(Clock())
    use(cache, body(LONG, marked=(0,)))
    far = use(cache, body(LONG, *texts, marked=(25,)))

    assert near.read > 0
    assert far.read == 0


def test_the_marker_at_the_top_marks_the_last_block() -> None:
    """`cache_control` beside the messages is a breakpoint at their end."""
    cache = PromptCache(Clock())
    use(cache, body(LONG, cache_control=MARK))

    again = use(cache, body(LONG, cache_control=MARK))

    assert again.read == prompt_of(body(LONG)).size


def test_a_miss_says_what_changed() -> None:
    """The first of model, system, tools and messages that differs is the reason."""
    cache = PromptCache(Clock())
    before = body(LONG, marked=(0,), system="s", tools=[{"name": "a"}])
    had = cache.use(prompt_of(before))
    cache.remember("msg_1", prompt_of(before))
    changes = {
        "model_changed": before | {"model": "other"},
        "system_changed": before | {"system": "t"},
        "tools_changed": before | {"tools": [{"name": "b"}]},
        "messages_changed": before | {"messages": body("x", LONG, marked=(1,))["messages"]},
    }

    for reason, request in changes.items():
        prompt = prompt_of(request)
        why = cache.why_missed("msg_1", prompt, cache.use(prompt))
        assert why == {"type": reason, "cache_missed_input_tokens": had.written}
    grown = prompt_of(
        before | {"messages": [*before["messages"], {"role": "user", "content": "x"}]}
    )
    assert cache.why_missed("msg_1", grown, cache.use(grown)) is None
    asked_otherwise = prompt_of(before | {"tool_choice": {"type": "any"}})
    used = cache.use(asked_otherwise)
    assert cache.why_missed("msg_1", asked_otherwise, used) == {"type": "unavailable"}
    assert cache.why_missed("msg_9", grown, used) == {"type": "previous_message_not_found"}


@given(
    st.lists(st.tuples(st.lists(st.sampled_from(["a", "b", LONG]), min_size=1), st.integers(0, 5)))
)
def test_every_token_is_billed_once(requests: list[tuple[list[str], int]]) -> None:
    """Read, written and plain make the whole prompt, whatever came before."""
    cache = PromptCache(Clock())
    for texts, place in requests:
        prompt = prompt_of(body(*texts, marked=(min(place, len(texts) - 1),)))

        used = cache.use(prompt)

        assert used.read + used.written + used.plain == prompt.size
        assert min(used.read, used.written_5m, used.written_1h, used.plain) >= 0
