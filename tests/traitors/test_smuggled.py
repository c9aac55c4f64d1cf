"""Drafts that say one thing and hold another: whoever hands them in, the gates read the bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoclave.domain.changes import ABSENT, ChangeSet, FileChange
from autoclave.domain.errors import NotAllowed, Stale
from autoclave.domain.proposal import Edit, EditOperation

pytestmark = pytest.mark.slow

BYTES = {
    "bare carriage return": b"x = 1  # harmless\rimport os\n",
    "encoding cookie": b"# -*- coding: utf-7 -*-\nx = 1\n",
    "encoding cookie in line two": b"\n# vim: set fileencoding=latin-1 :\nx = 1\n",
    "byte order mark": b"\xef\xbb\xbfx = 1\n",
    "not UTF-8": b"x = '\xff'\n",
    "zero byte": b"x = 1\0\n",
}


@pytest.mark.parametrize("name", BYTES)
async def test_bytes_in_disguise_are_refused(shop: Any, name: str) -> None:
    """Their form alone is a reason."""
    verdict = await shop.try_draft(shop.smuggle(BYTES[name]))

    assert verdict.gate == "surface"
    assert verdict.reason.startswith("plain-text")


async def test_other_code_than_the_edits_make_is_refused(shop: Any) -> None:
    """What a person reads about has to be what is written."""
    draft = shop.smuggle(b"x = 1\n")

    verdict = await shop.try_draft(draft)

    assert verdict.gate == "parse"
    assert "not what its edits make" in verdict.reason


async def test_a_diff_that_shows_something_else_is_refused(shop: Any) -> None:
    """Approve X, apply Y, in one draft."""
    draft = shop.workshop.draft([shop.edit()])

    verdict = await shop.try_draft(replace(draft, diff="-bad\n+good\n"))

    assert verdict.gate == "parse"


async def test_a_file_that_rides_along_is_refused(shop: Any) -> None:
    """It is in no edit, so nobody was shown why."""
    draft = shop.workshop.draft([shop.edit()])
    stowaway = FileChange(path="capabilities/words/more.py", before=None, after=b"x = 1\n")

    files = (*draft.changes.files, stowaway)
    verdict = await shop.try_draft(replace(draft, changes=ChangeSet(files)))

    assert verdict.gate == "parse"


async def test_a_deleted_file_is_refused(shop: Any) -> None:
    """No edit deletes; a draft that does was not made by edits."""
    draft = shop.workshop.draft([shop.edit()])
    (change,) = draft.changes.files

    verdict = await shop.try_draft(
        replace(draft, changes=ChangeSet((replace(change, after=None),)))
    )

    assert verdict.gate == "parse"


async def test_evidence_is_only_for_the_body_that_there_is(shop: Any) -> None:
    """A draft for another base is not even judged."""
    draft = replace(shop.workshop.draft([shop.edit()]), base_tree="0" * 64)

    with pytest.raises(Stale):
        await shop.try_draft(draft)


async def test_a_link_on_the_way_is_refused(make_shop: Any, tmp_path: Any) -> None:
    """What lies behind it is not the body."""
    shop = make_shop()
    outside = tmp_path / "outside"
    outside.mkdir()
    (shop.home.root / "capabilities/linked").symlink_to(outside)
    edit = Edit(
        operation=EditOperation.REPLACE,
        file="capabilities/linked/code.py",
        target="",
        target_hash=ABSENT,
        source="x = 1\n",
    )

    verdict = await shop.try_edits([edit])

    assert verdict.reason.startswith("no-links")
    assert not list(outside.iterdir())


@pytest.mark.parametrize("path", ["safety_rules.yaml", ".autoclave/anchor"])
async def test_an_apply_never_leaves_the_surface(shop: Any, path: str) -> None:
    """Whoever asks for it, and whatever the gates said."""
    draft = shop.smuggle(b"x = 1\n", path=path)
    before = (shop.home.root / path).read_bytes()

    with pytest.raises(NotAllowed) as caught:
        shop.workshop.apply(draft, proposal="P-0001", message="m")

    assert caught.value.rules == ("inside-the-body",)
    assert (shop.home.root / path).read_bytes() == before
