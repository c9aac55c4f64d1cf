"""The settings: what a person may choose, where each value comes from, and what is refused."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .domain.canonical import JsonObject
from .domain.errors import ConfigurationInvalid

PREFIX = "AUTOCLAVE_"
_NOT_SETTINGS = frozenset(
    {"AUTOCLAVE_HOME", "AUTOCLAVE_OWNER_KEY", "AUTOCLAVE_NO_MODEL_CALLS", "AUTOCLAVE_TOKEN"}
)
_SECRET = frozenset({"database_url", "notify_secret"})


class Settings(BaseModel):
    """Every setting with its default. Rules and budgets stand in `safety_rules.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: str = ""
    """An SQLAlchemy URL; empty means the SQLite file of the home."""
    model: Literal["auto", "claude", "openai", "offline", "recorded"] = "auto"
    """Who thinks where a goal does not say: `auto` takes what is configured, else none."""
    model_name: str = ""
    """Which of its models; empty for the usual one. For `recorded`, the file."""
    model_record: str = ""
    """A file that every answer of a model is recorded on, to be played again with
    `--model recorded --model-name FILE`; batches are not."""
    openai_base_url: str = ""
    """Address of a server that speaks OpenAI's chat completions, such as http://localhost:11434/v1."""
    model_calls_at_once: int = Field(default=4, ge=1, le=64)
    """How many calls of one model may be under way; the others wait for their turn."""
    model_requests_per_minute: int = Field(default=0, ge=0)
    """How many calls of one model may begin in any minute; 0 for no limit."""
    model_tokens_per_minute: int = Field(default=0, ge=0)
    """How many tokens they may use in any minute; 0 for no limit."""
    consolidate: bool = False
    """Whether a language model is asked once a day, in a batch, what the patterns teach."""
    bell: bool = True
    """Whether the dashboard rings the terminal's bell when something starts to wait for you."""
    goals_at_once: int = Field(default=4, ge=1, le=64)
    """How many goals one process works on at the same time."""
    own_servers: str = Field(
        default="", pattern=r"^([a-z0-9.:\[\]-]+:[1-9][0-9]*( *, *[a-z0-9.:\[\]-]+:[1-9][0-9]*)*)?$"
    )
    """Servers of one's own, `HOST:PORT, HOST:PORT`: pages may be read there although they are
    inside, on another port than usual or not encrypted. Rules still judge each request."""

    notify_command: str = ""
    """A program that is run, without a shell, when something begins to wait for you, such as
    `notify-send {title} {text}`; also {kind}, {subject}, {next} and {id}."""
    notify_url: str = ""
    """Where a signed notice is posted to then: an address with https, or one on this machine."""
    notify_secret: str = ""
    """With which notices that are posted are signed (HMAC-SHA256)."""
    notify_kinds: str = Field(
        default="question, proposal, escalation, budget, model",
        pattern=r"^ *((question|proposal|escalation|budget|model)"
        r"( *, *(question|proposal|escalation|budget|model))*)? *$",
    )
    """What you are told of, with commas."""
    otlp_endpoint: str = ""
    """Where OpenTelemetry spans are sent to over HTTP, such as http://127.0.0.1:4318; they hold no
    text of goals or models. Needs the extra `opentelemetry`."""
    metrics_of_ones_own: str = Field(default="", pattern=r"^[A-Za-z0-9_., -]*$")
    """Names of metric sources that installed packages offer, with commas; none are loaded
    that are not named here."""

    @property
    def custom_metrics(self) -> tuple[str, ...]:
        return _names(self.metrics_of_ones_own)

    @property
    def told_of(self) -> tuple[str, ...]:
        """The kinds of waiting that somebody is told of."""
        return _names(self.notify_kinds)

    api_names: str = Field(default="", pattern=r"^([a-z0-9.-]+( *, *[a-z0-9.-]+)*)?$")
    """Further names that `autoclave serve` is called by, such as that of a proxy before it."""
    api_workspaces: str = ""
    """Folders, with colons between, below which an operator's token may name workspaces."""
    metrics_need_token: bool = False
    """Whether /metrics takes a token on this machine too."""

    @property
    def names_of_the_api(self) -> frozenset[str]:
        return frozenset(each.strip() for each in self.api_names.split(",") if each.strip())

    @property
    def workspaces_of_the_api(self) -> tuple[str, ...]:
        return tuple(each for each in self.api_workspaces.split(":") if each.startswith("/"))

    @property
    def servers_of_ones_own(self) -> frozenset[str]:
        return frozenset(each.strip() for each in self.own_servers.split(",") if each.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSettings:
    """The settings in force, and for each name where its value comes from."""

    settings: Settings
    origins: Mapping[str, str]

    def to_rows(self) -> list[JsonObject]:
        """Name, value and origin of each; what may hold a password is not printed."""
        return [
            {"name": name, "value": _printable(name, value), "origin": self.origins[name]}
            for name, value in self.settings.model_dump().items()
        ]


def load_settings(
    environment: Mapping[str, str] | None = None, *, file: Path | None = None
) -> LoadedSettings:
    """Environment over the user's file over the defaults. Raises ConfigurationInvalid.

    There is no file of a project or of a home: what one downloads must not loosen anything.
    """
    environment = os.environ if environment is None else environment
    file = settings_file() if file is None else file
    values: dict[str, Any] = dict.fromkeys(Settings.model_fields, None)
    origins = dict.fromkeys(Settings.model_fields, "default")
    for name, value in _read_file(file).items():
        values[name], origins[name] = value, str(file)
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        if variable in environment:
            values[name], origins[name] = environment[variable], f"${variable}"
    given = {name: value for name, value in values.items() if origins[name] != "default"}
    return LoadedSettings(settings=_validate(given, origins), origins=origins)


def settings_file() -> Path:
    from platformdirs import user_config_path

    return user_config_path("autoclave", appauthor=False) / "config.toml"


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Variables that look like ours and are not: most often a misspelt setting."""
    environment = os.environ if environment is None else environment
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _NOT_SETTINGS
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in (each.strip() for each in text.split(",")) if name)


def _read_file(file: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # also broken TOML and broken UTF-8
        raise ConfigurationInvalid(
            f"cannot use {file}: {error}", hint="mend the file, or move it away"
        ) from error
    for name in given:
        if name not in Settings.model_fields:
            near = difflib.get_close_matches(name, Settings.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "autoclave config show lists them"
            raise ConfigurationInvalid(f"{file} has an unknown setting {name!r}", hint=hint)
    return given


def _validate(given: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        raise ConfigurationInvalid(
            f"the setting {name!r} from {origins[name]} is wrong: {first['msg']}",
            hint="autoclave config show lists every setting",
        ) from error


def _printable(name: str, value: Any) -> Any:
    return "(set)" if name in _SECRET and value else value
