"""Finding capabilities: what is read, what is refused, and how that is said."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autoclave.capabilities import discovery
from autoclave.capabilities.discovery import discover

Make = Callable[..., Path]


def error_of(root: Path) -> str:
    found = discover([root])
    assert found.manifests == ()
    return found.broken[0].error


def test_manifest_is_read_without_importing(make: Make, root: Path) -> None:
    """Code that would shout when imported stays silent."""
    make(code="raise SystemExit('imported')\n")

    found = discover([root])

    assert [m.name for m in found.manifests] == ["echo"]
    assert found.broken == ()


def test_one_broken_folder_hides_no_other(make: Make, root: Path) -> None:
    """Every folder is judged by itself."""
    make("good")
    make("bad", more="[limits]\nwall_seconds = -1\n")
    (root / "empty").mkdir()

    found = discover([root])

    assert [m.name for m in found.manifests] == ["good"]
    assert [b.name for b in found.broken] == ["bad", "empty"]


def test_toml_error_has_its_line(make: Make, root: Path) -> None:
    """A person finds the place at once."""
    folder = make()
    (folder / "capability.toml").write_text('name = "echo"\nversion = \n')

    assert "echo/capability.toml: it is not TOML" in error_of(root)
    assert "line 2" in error_of(root)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ("serve = ['x']", "serve: unknown key, did you mean 'serves'?"),
        ("[needs]\nworkspce = 'read'", "needs.workspce: unknown key, did you mean 'workspace'?"),
        ("[needs]\nworkspace = 'all'", "needs.workspace: input should be"),
        ("[limits]\nwall_seconds = 1e9", "limits.wall_seconds: input should be less than"),
        ("[limits]\nprocesses = '3'", "limits.processes: input should be a valid integer"),
        ("[needs]\ncommands = ['rm -rf']", "'rm -rf' is not the name of a program"),
        ("[needs]\nnetwork = ['http://x']", "'http://x' is not a host name"),
        ("depends_on = ['x @ http://e.vil']", "depends_on"),
        ("serves = ['a\u202eb']", "is not one line of plain text"),
        ("provides = ['']", "is not one line of plain text"),
    ],
)
def test_wrong_field_is_named(make: Make, root: Path, more: str, error: str) -> None:
    """What is wrong, where, and what was probably meant."""
    folder = make(more="\n" + more + "\n")
    text = (folder / "capability.toml").read_text()
    if "depends_on = ['x" in more:
        (folder / "capability.toml").write_text(text.replace("depends_on = []\n", ""))

    assert error in error_of(root)


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "01.0.0", "1.0.0-beta", ""])
def test_version_has_three_numbers(make: Make, root: Path, version: str) -> None:
    """Versions are compared, so they have one form."""
    make(version=version)

    assert "is not MAJOR.MINOR.PATCH" in error_of(root)


@pytest.mark.parametrize("name", ["Echo", "a", "json", "pytest", "e\u0441ho", "e-cho", "class"])
def test_hostile_name_is_refused(make: Make, root: Path, name: str) -> None:
    """Look-alike letters and the names of modules are no names."""
    make(name)

    assert "the name" in error_of(root)


def test_name_and_folder_agree(make: Make, root: Path) -> None:
    """A folder cannot pose as another capability."""
    make("echo").rename(root / "other")

    assert "names 'echo' but lies in the folder 'other'" in error_of(root)


def test_look_alike_of_another_is_refused(make: Make, root: Path) -> None:
    """`read_fi1e` beside `read_file` is a trap."""
    make("read_file")
    make("readfi1e")

    found = discover([root])

    assert [m.name for m in found.manifests] == ["read_file"]
    assert "too like 'read_file'" in found.broken[0].error


@pytest.mark.parametrize(
    ("schema", "error"),
    [
        ('type = "array"', 'must have type = "object"'),
        ('type = "object"\nrequired = "x"', "required"),
        ('type = "object"\nproperties.a = {"$ref" = "http://e.vil/s"}', "leads out of the schema"),
        ('type = "object"\nproperties.a = {pattern = "^(a+)+$"}', "may be slow"),
        ('type = "object"\nproperties.a = {pattern = "^a*b*c*$"}', "may be slow"),
        ('type = "object"\nproperties.a = {x-type = "Some Type"}', "not a lower-case word"),
        ('type = "object"\nproperties.a = {x-trust = "yes"}', "x-trust 'yes' is none of"),
        ('type = "object"\nproperties.a = {x-origin = "person"}', "x-origin 'person' is none of"),
        ('type = "object"\nproperties.a = {x-role = ["target"]}', "x-role ['target'] is none of"),
        ('type = "object"\nproperties.a = {default = nan}', "not JSON"),
        ('type = "object"\nproperties.a = {default = 2020-01-01}', "not JSON"),
    ],
)
def test_bad_schema_is_refused(make: Make, root: Path, schema: str, error: str) -> None:
    """A schema that can't be used, fetches something or can hang the kernel."""
    make(schemas=f'[inputs]\n{schema}\n[outputs]\ntype = "object"\n')

    assert "inputs: " in error_of(root)
    assert error in error_of(root)


def test_example_must_fit_its_own_schema(make: Make, root: Path) -> None:
    """An example that could never run is found before it does."""
    make(
        schemas='[inputs]\ntype = "object"\nrequired = ["x"]\n[outputs]\ntype = "object"\n'
        "[[examples]]\ninputs = {}\noutputs = {}\n"
    )

    assert "example 1: inputs do not fit: 'x' is a required property" in error_of(root)


def test_pure_and_writing_contradict(make: Make, root: Path) -> None:
    """What writes has to be resumed with care, so it can't be called pure."""
    make(effect="pure", more='[needs]\nworkspace = "write"\n')

    assert "effect" in error_of(root)


def test_link_in_a_folder_is_refused(make: Make, root: Path) -> None:
    """Links could make any file part of a capability."""
    (make() / "data.txt").symlink_to("/etc/passwd")

    assert "data.txt is a link" in error_of(root)


def test_folder_that_is_a_link_is_refused(make: Make, root: Path, tmp_path: Path) -> None:
    """A capability lies where it lies."""
    (root / "echo").symlink_to(make(into=tmp_path / "elsewhere"))

    assert "echo is a link" in error_of(root)


def test_pipe_is_refused_without_waiting(make: Make, root: Path) -> None:
    """Opening a named pipe does not hang the scan."""
    os.mkfifo(make() / "pipe")

    assert "pipe is no regular file" in error_of(root)


def test_hidden_files_are_no_part_of_it(make: Make, root: Path) -> None:
    """Caches and hidden files change nothing."""
    folder = make()
    before = discover([root]).manifests[0].tree
    for name in (".hidden", "__pycache__/code.pyc", ".git/config"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    (root / ".incoming").mkdir()

    found = discover([root])

    assert found.manifests[0].tree == before
    assert found.broken == ()


@pytest.mark.parametrize("change", ["content", "name", "mode"])
def test_tree_names_every_byte_and_mode(make: Make, root: Path, change: str) -> None:
    """Any change of a file gives another digest."""
    folder = make(files={"tests/test_a.py": "x = 1\n"})
    before = discover([root]).manifests[0].tree
    file = folder / "tests/test_a.py"
    if change == "content":
        file.write_text("x = 2\n")
    elif change == "name":
        file.rename(folder / "tests/test_b.py")
    else:
        file.chmod(0o755)

    assert discover([root]).manifests[0].tree != before


def test_missing_root_holds_nothing(tmp_path: Path) -> None:
    """A user without a folder of capabilities has none."""
    assert discover([tmp_path / "nowhere"]).manifests == ()


def test_terminal_escapes_in_names_are_spelled_out(root: Path) -> None:
    """The error about a folder is safe to show."""
    (root / "a\x1b[2J").mkdir()

    broken = discover([root]).broken[0]

    assert "\x1b" not in broken.name + broken.error


def test_plugin_offers_a_folder_without_being_imported(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry point names a folder of a package; the package's code does not run."""
    site = tmp_path / "site"
    make("offered", into=site / "plug" / "caps")
    (site / "plug" / "__init__.py").write_text("raise SystemExit('imported')\n")
    info = site / "plug-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{discovery.GROUP}]\nmine = plug.caps\nodd = plug.caps:thing\n"
    )
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])

    found = discover([], plugins=True)

    assert [m.name for m in found.manifests] == ["offered"]
    assert "odd" in found.broken[0].error
    assert "plug" not in sys.modules
