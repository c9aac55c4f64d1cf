"""What leaves on each channel, and what can't."""

from __future__ import annotations

import hashlib
import hmac
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.core.outbox import Notice
from autoclave.domain.errors import ConfigurationInvalid
from autoclave.domain.text import show_line
from autoclave.service.channels import (
    CommandChannel,
    NotTold,
    check_hook,
    command_words,
    environment_for_command,
    server_here,
    signature,
)


def _notice(what: str = "may it?", subject: str = "G-0001") -> Notice:
    return Notice(
        id="n1",
        channel="command",
        kind="question",
        subject=subject,
        what=what,
        next="autoclave goal show G-0001",
        since=1.0,
    )


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_becomes_a_word_or_an_option(what: str, subject: str) -> None:
    """As many words as the template has, and none that a program takes for an option."""
    words = command_words("notify-send {title} {text} {subject}", _notice(what, subject))

    assert len(words) == 4
    assert words[0] == "notify-send"
    assert not any(word.startswith("-") for word in words)
    assert all(show_line(word) == word for word in words)


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    """A goal that says {id} says just that."""
    words = command_words("show {text} --name={subject}", _notice("look at {id}"))

    assert words[1].startswith("look at {id}")
    assert words[2] == "--name=G-0001"


async def test_a_command_gets_the_text_without_a_shell(tmp_path: Path) -> None:
    """On its standard input too, where length and quotes are no matter."""
    told = tmp_path / "told"
    code = "import sys; open(sys.argv[1], 'w').write(sys.argv[2] + '|' + sys.stdin.read())"
    channel = CommandChannel(template=f'{sys.executable} -c "{code}" {told} {{text}}')

    await channel.tell(_notice("$(touch /tmp/x); `id`"))

    said = told.read_text()
    assert said.startswith("$(touch /tmp/x); `id` — autoclave goal show G-0001|Autoclave: a goal")


async def test_a_command_that_hangs_is_ended() -> None:
    """With everything that it started."""
    channel = CommandChannel(template="sleep 60", seconds=0.05)

    with pytest.raises(NotTold, match="longer than"):
        await channel.tell(_notice())


@pytest.mark.parametrize(
    ("template", "why"), [("false", "ended with 1"), ("no-such-program-here", "cannot be started")]
)
async def test_a_command_that_fails_is_told(template: str, why: str) -> None:
    """What went wrong is what `notify test` shows."""
    with pytest.raises(NotTold, match=why):
        await CommandChannel(template=template).tell(_notice())


def test_a_command_inherits_no_secret() -> None:
    """Neither our settings nor what is a secret by its name."""
    given_ = {"PATH": "/bin", "AUTOCLAVE_NOTIFY_SECRET": "s" * 20, "MY_API_KEY": "k" * 20}

    assert environment_for_command(given_) == {"PATH": "/bin"}


@pytest.mark.parametrize("url", ["http://example.org/x", "ftp://127.0.0.1/", "example.org"])
def test_a_hook_is_encrypted_or_here(url: str) -> None:
    """What waits is nobody else's business."""
    with pytest.raises(ConfigurationInvalid, match="https"):
        check_hook(url, "secret")


def test_a_hook_needs_a_secret() -> None:
    """An unsigned notice could be anybody's."""
    with pytest.raises(ConfigurationInvalid, match="notify_secret"):
        check_hook("https://example.org/hook", "")


def test_only_a_server_on_this_machine_is_let_through() -> None:
    """The fetcher's guard stays up for everything else."""
    assert server_here("http://127.0.0.1:8099/hook") == {"127.0.0.1:8099"}
    assert server_here("http://[::1]/hook") == {"[::1]:80"}
    assert server_here("https://example.org/hook") == frozenset()


def test_a_signature_covers_id_time_and_body() -> None:
    """As the documentation tells receivers to check it."""
    expected = hmac.new(b"key", b'n1.1700000000.{"a":1}', hashlib.sha256).hexdigest()

    assert signature("key", "n1", "1700000000", b'{"a":1}') == f"v1={expected}"
