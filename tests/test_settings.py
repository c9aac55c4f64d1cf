"""Where settings come from and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoclave.domain.errors import ConfigurationInvalid
from autoclave.settings import load_settings, unknown_variables


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_anything_the_defaults_hold(file: Path) -> None:
    """Every value says that it is one."""
    loaded = load_settings({}, file=file)

    assert loaded.settings.goals_at_once == 4
    assert set(loaded.origins.values()) == {"default"}


def test_the_environment_wins_over_the_file(file: Path) -> None:
    """And each value says where it is from."""
    file.write_text("database_url = 'sqlite:///a.db'\ngoals_at_once = 2\n")

    loaded = load_settings({"AUTOCLAVE_GOALS_AT_ONCE": "7"}, file=file)

    assert loaded.settings.goals_at_once == 7
    assert loaded.origins["goals_at_once"] == "$AUTOCLAVE_GOALS_AT_ONCE"
    assert loaded.origins["database_url"] == str(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("goals_at_onec = 1", "unknown setting 'goals_at_onec'"),
        ("goals_at_once = 0", "'goals_at_once' from .* is wrong"),
        ("goals_at_once = 65", "'goals_at_once' from .* is wrong"),
        ("goals_at_once = [", "cannot use"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(file: Path, text: str, message: str) -> None:
    """Nothing is guessed."""
    file.write_text(text)

    with pytest.raises(ConfigurationInvalid, match=message):
        load_settings({}, file=file)


def test_servers_of_ones_own_are_hosts_with_ports(file: Path) -> None:
    """In a list, as people write it."""
    file.write_text("own_servers = 'localhost:8000, [::1]:80'")

    settings = load_settings({}, file=file).settings

    assert settings.servers_of_ones_own == {"localhost:8000", "[::1]:80"}


@pytest.mark.parametrize("wrong", ["localhost", "https://a:1", "a:1 b:2", "*:1", "a:0", "A:1"])
def test_what_is_no_server_of_ones_own(file: Path, wrong: str) -> None:
    """A whole network is none."""
    file.write_text(f"own_servers = {wrong!r}")

    with pytest.raises(ConfigurationInvalid, match="own_servers"):
        load_settings({}, file=file)


def test_a_misspelt_setting_gets_a_suggestion(file: Path) -> None:
    """The hint names the nearest."""
    file.write_text("goals_at_onec = 1")

    with pytest.raises(ConfigurationInvalid) as caught:
        load_settings({}, file=file)

    assert "goals_at_once" in caught.value.hint


def test_a_password_is_not_printed(file: Path) -> None:
    """`config show` may end up in a ticket."""
    loaded = load_settings({"AUTOCLAVE_DATABASE_URL": "postgresql://me:hunter2@host/db"}, file=file)

    assert "hunter2" not in str(loaded.to_rows())


def test_variables_that_look_like_ours_are_named() -> None:
    """Most often they are misspelt."""
    environment = {
        "AUTOCLAVE_DATABSE_URL": "x",
        "AUTOCLAVE_HOME": "y",
        "AUTOCLAVE_GOALS_AT_ONCE": "1",
    }

    assert unknown_variables(environment) == ["AUTOCLAVE_DATABSE_URL"]


def test_the_secret_of_notices_is_not_printed(tmp_path: Path) -> None:
    """Nor is any other setting that is a secret."""
    loaded = load_settings(
        {"AUTOCLAVE_NOTIFY_SECRET": "very-secret"}, file=tmp_path / "config.toml"
    )

    (row,) = [each for each in loaded.to_rows() if each["name"] == "notify_secret"]
    assert row["value"] == "(set)"


def test_lists_are_read_with_commas(tmp_path: Path) -> None:
    """Kinds that there are none of are refused."""
    file = tmp_path / "config.toml"
    variables = {
        "AUTOCLAVE_NOTIFY_KINDS": "question , escalation",
        "AUTOCLAVE_METRICS_OF_ONES_OWN": "plant, weather",
    }

    settings = load_settings(variables, file=file).settings

    assert settings.told_of == ("question", "escalation")
    assert settings.custom_metrics == ("plant", "weather")
    with pytest.raises(ConfigurationInvalid, match="notify_kinds"):
        load_settings({"AUTOCLAVE_NOTIFY_KINDS": "everything"}, file=file)
