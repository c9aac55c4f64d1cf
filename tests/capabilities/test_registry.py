"""Which capabilities are offered, and why others are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoclave.capabilities.discovery import discover
from autoclave.capabilities.registry import Registry
from autoclave.domain.errors import Conflict, NotFound

Make = Callable[..., Path]


def names(registry: Registry) -> list[str]:
    return [manifest.name for manifest in registry.offered]


def test_only_enrolled_and_trusted_ones_are_offered(make: Make, root: Path) -> None:
    """Lying in the folder is not enough."""
    for name in ("enrolled", "shipped", "stranger"):
        make(name)
    found = {m.name: m for m in discover([root]).manifests}

    registry = Registry(
        found.values(),
        enrolled={"enrolled": found["enrolled"].tree},
        trusted_trees={found["shipped"].tree},
    )

    assert names(registry) == ["enrolled", "shipped"]
    assert registry.refused == {"stranger": "it was never enrolled"}


def test_changed_files_are_not_offered(make: Make, root: Path) -> None:
    """An enrolment is for exact bytes."""
    make()
    registry = Registry(discover([root]).manifests, enrolled={"echo": "other digest"})

    with pytest.raises(NotFound, match="its files are not those that were enrolled"):
        registry.get("echo")


def test_newest_version_is_offered(make: Make, root: Path, tmp_path: Path) -> None:
    """10 comes after 9."""
    make(version="1.9.0")
    make(version="1.10.0", into=tmp_path / "more")

    registry = Registry(discover([root, tmp_path / "more"]).manifests)

    assert registry.get("echo").version == "1.10.0"
    assert [m.version for m in registry.versions("echo")] == ["1.10.0", "1.9.0"]


def test_earlier_folder_wins_among_equals(make: Make, root: Path, tmp_path: Path) -> None:
    """A user's folder cannot replace what the home ships by using its version."""
    make()
    make(code="evil = 1\n", into=tmp_path / "more")

    registry = Registry(discover([root, tmp_path / "more"]).manifests)

    assert registry.get("echo").folder == root / "echo"


def test_dependencies_come_in_order(make: Make, root: Path) -> None:
    """Each after what it needs itself."""
    make("top", depends_on=("middle", "bottom>=1.0"))
    make("middle", depends_on=("bottom",))
    make("bottom")
    registry = Registry(discover([root]).manifests)

    closure = registry.closure(registry.get("top"))

    assert [m.name for m in closure] == ["bottom", "middle"]


@pytest.mark.parametrize(
    ("depends_on", "reason"),
    [
        (("gone",), "echo depends on gone, which is not offered"),
        (("base>=2",), "echo depends on base>=2, but base is 1.0.0"),
    ],
)
def test_unresolved_one_is_not_offered(
    make: Make, root: Path, depends_on: tuple[str, ...], reason: str
) -> None:
    """Missing and too old, by name; the others stay."""
    make(depends_on=depends_on)
    make("base")

    registry = Registry(discover([root]).manifests)

    assert names(registry) == ["base"]
    assert registry.refused["echo"] == reason


def test_refusal_goes_up_the_chain(make: Make, root: Path) -> None:
    """What depends on something that is not offered is not offered either."""
    make("top", depends_on=("middle",))
    make("middle", depends_on=("gone",))

    registry = Registry(discover([root]).manifests)

    assert names(registry) == []
    assert set(registry.refused) == {"top", "middle"}


def test_circle_is_refused_by_name(make: Make, root: Path) -> None:
    """Everyone in it, and nobody else."""
    make("one", depends_on=("two",))
    make("two", depends_on=("one",))
    make("apart")

    registry = Registry(discover([root]).manifests)

    assert names(registry) == ["apart"]
    assert "in a circle: one -> two -> one" in registry.refused["one"] or (
        "in a circle: two -> one -> two" in registry.refused["one"]
    )


def test_capability_that_depends_on_itself_is_refused(make: Make, root: Path) -> None:
    """The smallest circle."""
    make(depends_on=("echo",))
    registry = Registry([])

    with pytest.raises(Conflict, match="echo -> echo"):
        registry.closure(discover([root]).manifests[0])


def test_lookup_by_what_they_give_and_serve(make: Make, root: Path) -> None:
    """Types come from the outputs, words from the manifest."""
    make("writer", more="serves = ['save', 'write']\n")
    make(
        "reader",
        schemas='[inputs]\ntype = "object"\n[outputs]\ntype = "object"\n'
        'properties.text = {type = "string", x-type = ["text", "report"]}\n',
    )
    registry = Registry(discover([root]).manifests)

    assert [m.name for m in registry.providers("report")] == ["reader"]
    assert [m.name for m in registry.serving("write it down")] == ["writer"]
