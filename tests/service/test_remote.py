"""The door to an agent elsewhere: the same methods, addresses that are safe, errors that return."""

from __future__ import annotations

import inspect

import pytest

from autoclave.domain import errors
from autoclave.domain.errors import AutoclaveError, InvalidInput, Unreachable
from autoclave.service.control import Control
from autoclave.service.door import Door
from autoclave.service.problems import _all_below, code_of, error_of
from autoclave.service.remote import RemoteControl
from autoclave.service.remote_calls import check_url

METHODS = [name for name, each in vars(Door).items() if inspect.isfunction(each) and name[0] != "_"]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", [Control, RemoteControl])
def test_both_doors_have_it(kind: type, name: str) -> None:
    """With the same parameters, so that no caller has to know which of the two it is."""
    wanted = inspect.signature(getattr(Door, name)).parameters.values()
    found = inspect.signature(getattr(kind, name)).parameters.values()

    assert [(p.name, p.kind, p.default) for p in found] == [
        (p.name, p.kind, p.default) for p in wanted
    ]


def test_what_only_a_home_can_do_is_said_so() -> None:
    """It is no bug of the caller."""
    remote = RemoteControl("http://localhost:1", "x")
    with pytest.raises(InvalidInput, match="works only where the home is"):
        _ = remote.restore_checkpoint


@pytest.mark.parametrize(
    "url",
    [
        "http://agent.example:8321",
        "http://10.0.0.7",
        "http://localhost.evil.example",
        "ftp://localhost",
        "localhost:8321",
        "https://me:word@agent.example",
        "https://agent.example/?a=b",
        "",
    ],
)
def test_a_token_is_sent_nowhere_where_others_read_it(url: str) -> None:
    """Plain http goes to this machine alone."""
    with pytest.raises(InvalidInput):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8321/", "http://[::1]:1", "http://localhost", "https://a.example/x"]
)
def test_addresses_that_are_fine(url: str) -> None:
    """Here in the clear, elsewhere encrypted."""
    assert check_url(url) == url.rstrip("/")


async def test_nobody_there_is_said_so() -> None:
    """As what to try again later."""
    remote = RemoteControl("http://127.0.0.1:1", "x")
    with pytest.raises(Unreachable, match="no answer"):
        await remote.goals()
    await remote.aclose()


@pytest.mark.parametrize("kind", list(_all_below(AutoclaveError)))
def test_every_error_returns_as_itself(kind: type[AutoclaveError]) -> None:
    """With its words and its hint."""
    error = kind("what", hint="next")
    back = error_of(code_of(error), "what", hint="next")

    assert type(back) is kind
    assert (back.message, back.hint) == ("what", "next")


def test_an_error_of_another_version_is_a_plain_one() -> None:
    """Its words are kept."""
    assert type(error_of("from_the_future", "x")) is errors.AutoclaveError
