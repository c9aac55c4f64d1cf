"""What a manifest adds to what a capability may ask for is a new power."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from autoclave.domain.ports import Files
from autoclave.domain.proposal import Edit, GateVerdict
from autoclave.modification.body import Body, read_body
from autoclave.modification.needs import new_needs
from autoclave.modification.static_gates import PowersGate
from autoclave.modification.workshop import LibcstWorkshop

MakeEdit = Callable[..., Edit]

NEEDS = """\
name = "mean"
[needs]
network = ["example.org"]
workspace = "read"
"""


@pytest.mark.parametrize(
    ("needs", "new"),
    [
        ('network = ["example.org"]\nworkspace = "read"', ""),
        ('workspace = "none"', ""),
        ('network = ["example.org", "evil.org"]', "needs: network evil.org"),
        ('network = ["*.example.org"]', "needs: network *.example.org"),
        ('network = ["*"]', "needs: network *"),
        ('network = "evil.org"', "needs: network evil.org"),
        ("model = true", "needs: model"),
        ("knowledge = true", "needs: knowledge"),
        ('commands = ["git"]', "needs: command git"),
        ('workspace = "write"', "needs: workspace write"),
        ('workspace = "all"', "needs: workspace all"),
        (
            'network = ["example.org"]\nsecrets = [{name = "K", host = "example.org"}]',
            "needs: secret K for example.org in Authorization",
        ),
    ],
)
def test_a_need_that_a_manifest_adds_is_new(needs: str, new: str) -> None:
    """Each kind of it; fewer needs, and other words for the same, are not."""
    before, after = tomllib.loads(NEEDS), tomllib.loads(f"[needs]\n{needs}\n")

    assert new_needs(before, after) == ((new,) if new else ())


def test_a_new_capability_adds_all_that_it_needs() -> None:
    """There was nothing before; and needs that are no table are a need of everything."""
    assert new_needs({}, tomllib.loads(NEEDS)) == (
        "needs: workspace read",
        "needs: network example.org",
    )
    assert new_needs({}, {"needs": ["network"]}) == ("needs: model",)


async def test_a_draft_that_widens_a_manifest_is_no_pass(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, home: Path, files: Files
) -> None:
    """The surface refuses it already; should that ever fail, the powers name what is new."""
    draft = workshop.draft([mean_edit("add_import", "", source="import math\n")])
    base = read_body(files, home, ("capabilities",))
    wider = {"capabilities/mean/capability.toml": b'name = "mean"\n[needs]\nmodel = true\n'}
    candidate = Body(files={**base.after(draft.changes).files, **wider})
    bench = SimpleNamespace(base=base, candidate=candidate, changed_capabilities=("mean",))

    found = await PowersGate().check(bench)  # type: ignore[arg-type]

    assert found.verdict is GateVerdict.FAIL
    assert found.facts["added"] == {"mean": {"needs: model": 1}}
    assert found.summary == "new powers: mean gains needs: model"
