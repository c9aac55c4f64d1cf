"""Where the home is, and how a folder becomes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoclave.domain.errors import (
    ConfigurationInvalid,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
)
from autoclave.service.home import Home, find_home, init_home
from autoclave.service.trust import trust


def _make_home(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "safety_rules.yaml").write_text("version: 1\n")
    trust(folder)
    return folder


@pytest.fixture(autouse=True)
def _nobody_has_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AUTOCLAVE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_the_nearest_folder_with_rules_upwards_is_the_home(tmp_path: Path) -> None:
    """As git finds its repository."""
    home = _make_home(tmp_path / "home")
    deep = home / "a" / "b"
    deep.mkdir(parents=True)

    assert find_home(start=deep).root == home


def test_what_was_said_wins_over_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """--home beats the current folder and the environment."""
    here, said = _make_home(tmp_path / "here"), _make_home(tmp_path / "said")
    monkeypatch.setenv("AUTOCLAVE_HOME", str(here))

    assert find_home(said, start=here).root == said


def test_the_environment_is_asked_when_no_folder_upwards_is_a_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The current folder is nearer than a variable that was set long ago."""
    named = _make_home(tmp_path / "named")
    monkeypatch.setenv("AUTOCLAVE_HOME", str(named))

    assert find_home(start=tmp_path).root == named


def test_the_users_data_folder_is_the_last_resort(tmp_path: Path) -> None:
    """Whoever never said where the home is has one all the same."""
    home = _make_home(tmp_path / "data" / "autoclave")

    assert find_home(start=tmp_path).root == home


def test_no_home_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    """The hint is a whole command."""
    with pytest.raises(NotFound) as caught:
        find_home(start=tmp_path)

    assert caught.value.hint == f"autoclave init {tmp_path / 'data' / 'autoclave'}"


def test_a_file_is_no_home(tmp_path: Path) -> None:
    """Said plainly, before anything is opened."""
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(InvalidInput, match="not a folder"):
        find_home(file)


def test_a_named_folder_without_rules_is_no_home(tmp_path: Path) -> None:
    """It is never turned into one silently."""
    with pytest.raises(NotFound, match=r"no safety_rules\.yaml"):
        find_home(tmp_path)


def test_a_new_home_has_a_body_of_its_own(tmp_path: Path) -> None:
    """Rules, capabilities and mind are copied; the runtime folders are private."""
    home = init_home(tmp_path / "new").home

    assert (home.mind / "__init__.py").is_file()
    assert home.mind == tmp_path / "new" / "mind"
    assert home.rules.is_file()
    assert home.capabilities.is_dir()
    assert home.runtime.stat().st_mode & 0o777 == 0o700
    assert not list(home.root.rglob("__pycache__"))


def test_init_adds_what_a_home_lacks_and_leaves_the_rest(tmp_path: Path) -> None:
    """A person's rules survive, and it says what it did."""
    folder = _make_home(tmp_path / "home")
    (folder / "safety_rules.yaml").write_text("# mine\nversion: 1\n")

    made = init_home(folder)

    assert made.kept == ("safety_rules.yaml",)
    assert made.added == ("capabilities", "mind", ".gitignore")
    assert made.home.rules.read_text() == "# mine\nversion: 1\n"


def test_init_twice_changes_nothing(tmp_path: Path) -> None:
    """The second time everything is there."""
    init_home(tmp_path / "home")

    assert init_home(tmp_path / "home").added == ()


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    """It names one of them, and nothing is added."""
    (tmp_path / "thesis.tex").touch()

    with pytest.raises(Conflict, match=r"thesis\.tex"):
        init_home(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_read_only_place_is_a_clear_refusal() -> None:
    """Not even root can write there."""
    with pytest.raises(ConfigurationInvalid, match="/proc"):
        init_home(Path("/proc/sys/autoclave"))


def test_a_source_checkout_is_a_home_whose_body_is_the_source(tmp_path: Path) -> None:
    """No second copy of the mind is made."""
    checkout = _make_home(tmp_path / "checkout")
    (checkout / "src" / "autoclave" / "mind").mkdir(parents=True)

    made = init_home(checkout)

    assert made.added == ()
    assert made.home.mind == checkout / "src" / "autoclave" / "mind"


def test_what_others_could_read_is_made_private(tmp_path: Path) -> None:
    """A runtime folder with loose permissions is tightened."""
    home = Home(root=_make_home(tmp_path / "home"))
    home.runtime.mkdir(mode=0o755)

    home.prepare()

    assert home.runtime.stat().st_mode & 0o777 == 0o700


def test_a_home_that_nobody_made_here_is_not_believed(tmp_path: Path) -> None:
    """A downloaded folder may bring rules and a mind of its own; stepping into it runs nothing."""
    stranger = tmp_path / "downloaded"
    init_home(stranger)

    with pytest.raises(NotAllowed, match="nobody made it one here"):
        find_home(start=stranger / "capabilities")

    trust(stranger)
    assert find_home(start=stranger / "capabilities").root == stranger
