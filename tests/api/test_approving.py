"""Over HTTP a change is applied by an owner's signature and by nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes_owner import Person

from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import NotAllowed, Stale
from autoclave.domain.events import EventKind
from autoclave.service.home import Home
from autoclave.service.remote import RemoteControl
from autoclave.service.tokens import Role

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OWNER, STRANGER = Person("me"), Person("stranger")
APPLIED = {EventKind.PROPOSAL_APPLIED, EventKind.PROPOSAL_REDONE, EventKind.APPLY_BEGUN}


@pytest.fixture
async def remote(waiting: Home, serve_home: Any) -> AsyncIterator[RemoteControl]:
    """An approver's door, from afar."""
    async with serve_home(waiting) as place:
        await OWNER.own(place.control)
        remote = RemoteControl(place.url, place.token(Role.APPROVER))
        yield remote
        await remote.aclose()


async def test_what_an_owner_signed_is_applied(remote: RemoteControl) -> None:
    """The sheet goes out, the signature comes back; undone, and redone by another one."""
    shown = await remote.show_proposal("P-0001", by="")
    sheet = await remote.proposal_sheet("P-0001")
    assert sheet.digest == shown["digest"]

    done = await remote.approve_proposal("P-0001", signed=OWNER.sign(sheet), by="")
    undone = await remote.undo_proposal("P-0001", by="")
    again = OWNER.sign(await remote.redo_sheet("P-0001"))
    redone = await remote.redo_proposal("P-0001", signed=again, by="")

    assert [each["status"] for each in (done, undone, redone)] == ["applied", "undone", "applied"]
    assert (await remote.lineage())[0]["step"] == "redo"
    history = await remote.history(0, 10_000, "proposal/")
    shown_to = [each["actor"] for each in history if each["kind"] == "ProposalShown"]
    assert shown_to == ["person:approver@api"]


async def test_a_signature_of_somebody_else_is_refused(remote: RemoteControl) -> None:
    """The errors are those of the door at home."""
    sheet = await remote.proposal_sheet("P-0001")
    strange = STRANGER.sign(replace(sheet, owners={STRANGER.key: "stranger"}))
    other = OWNER.sign(replace(sheet, digest="0" * 64))
    with pytest.raises(NotAllowed):
        await remote.approve_proposal("P-0001", signed=strange, by="")
    with pytest.raises(Stale):
        await remote.approve_proposal("P-0001", signed=other, by="")
    assert (await remote.proposal("P-0001"))["status"] == "waiting"


words = st.text("abcdef0123456789", max_size=64)
spoils = st.fixed_dictionaries(
    {},
    optional={
        "digest": words,
        "nonce": words,
        "key": words | st.just(STRANGER.key) | st.just(OWNER.key),
        "signature": words,
        "subject": st.sampled_from(["P-0001", "P-0002", "redo P-0001", ""]),
        "expires_at": st.floats(0, 1e12),
        "granted_at": st.floats(0, 1e12),
        "home": words,
    },
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
ACTIONS = ["approve", "approve", "approve", "redo", "undo", "settle", "shown", "sheet"]
steps = st.tuples(
    st.sampled_from(ACTIONS),
    st.sampled_from(["P-0001", "P-0001", "p-0001", "P-0002", "..%2FP-0001"]),
    st.sampled_from(list(Role)),
    st.sampled_from(["stranger", "claims", "spoilt", "owner of other", "values", "nothing"]),
    spoils,
    values,
)


def _body(action: str, how: str, sheet: Any, spoilt: JsonObject, value: Any) -> Any:
    if how == "values":
        return {"approval": value, "as_applied": True, "yes": True}
    if how == "nothing":
        return {"as_applied": True} if action == "settle" else {}
    if how == "spoilt":
        signed = OWNER.sign(sheet)
        changed = replace(signed, **spoilt)
        signed = changed if changed != signed else replace(signed, signature="00" * 64)
    elif how == "owner of other":
        signed = OWNER.sign(replace(sheet, subject="P-0002"))
    else:
        signed = STRANGER.sign(replace(sheet, owners={STRANGER.key: "me"}))
        signed = replace(signed, key=OWNER.key) if how == "claims" else signed
    return {"approval": signed.to_json()}


@pytest.fixture(scope="module")
def server(beside: Callable[..., Any], waiting_root: Home) -> Iterator[Any]:
    with beside(waiting_root) as (place, call):
        call(OWNER.own(place.control))
        yield place, call


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(said=st.lists(steps, min_size=1, max_size=5))
def test_no_sequence_of_requests_applies_a_change_without_a_signature(
    said: list[Any], server: Any
) -> None:
    """Whatever is sent, by whatever role, in whatever order: nothing, and never a bug."""
    place, call = server
    sheet = call(place.control.proposal_sheet("P-0001"))
    for action, proposal, role, how, spoilt, value in said:
        path = f"/api/v1/proposals/{proposal}/{action}"
        body = _body(action, how, sheet, spoilt, value)
        method = "GET" if action == "sheet" else "POST"
        more = {} if action == "sheet" else {"json": body}
        answer = call(place.send(method, path, role, **more))
        assert answer.status_code < 500, answer.text

    happened = call(place.control.history(0, 100_000))
    assert not [each for each in happened if each["kind"] in APPLIED]
    assert call(place.control.proposal("P-0001"))["status"] == "waiting"
