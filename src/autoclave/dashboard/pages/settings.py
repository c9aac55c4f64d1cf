"""The settings in force and where each comes from; owners and secrets by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from ...domain.canonical import JsonObject
from ..ink import Line, line
from ..list_page import ListPage
from ..words import moment


class SettingsPage(ListPage):
    """To read: what has to be signed or written to a file is done on the command line."""

    NAME = "settings"
    HEADING = "Settings, owners and secrets (to read)"
    DETAIL = "How to change it"
    FOLLOWS = False
    EMPTY = "There are no settings."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_chosen", "how to change it", key_display="Enter"),
        Binding("y", "copy", "copy", tooltip="copy the value"),
        Binding("r", "again", "read again"),
    ]

    async def fetch(self) -> Sequence[JsonObject]:
        door = self.host.door
        settings = [{**each, "sort": "setting"} for each in await door.settings()]
        owned = await door.owners()
        owners = [
            {
                "sort": "owner",
                "name": each["name"],
                "value": each["key"][:12],
                "origin": f"since {moment(each['since'])}",
            }
            for each in owned["owners"]
        ]
        secrets = [
            {
                "sort": "secret",
                "name": each["name"],
                "value": "present",
                "origin": f"for {each.get('host', '')}",
            }
            for each in await door.secrets()
        ]
        return [*settings, *owners, *secrets]

    def key_of(self, thing: JsonObject) -> str:
        return f"{thing['sort']} {thing['name']}"

    def row_of(self, thing: JsonObject) -> tuple[Line, Line]:
        value = _said(thing["value"])
        sort = "" if thing["sort"] == "setting" else f"{thing['sort']} "
        left = line((sort, "accent"), f"{thing['name']} ", (value, "strong"))
        return left, line((str(thing["origin"]), "dim"))

    def detail_of(self, thing: JsonObject) -> list[Line]:
        name = thing["name"]
        lines = [line((name, "strong")), line(_said(thing["value"]))]
        lines += [line((f"from {thing['origin']}", "dim")), line("")]
        if thing["sort"] == "setting":
            lines.append(line(f"In the settings file:  {name} = …"))
            lines.append(line(f"or in the environment:  AUTOCLAVE_{name.upper()}=…"))
        elif thing["sort"] == "owner":
            lines.append(line("Owners are changed with a signature: autoclave owner add, remove"))
        else:
            lines.append(line(f"Never shown. autoclave secret set {name}, or remove"))
        return lines

    def action_again(self) -> None:
        self.reload()

    def action_open_chosen(self) -> None:
        self.rows.action_choose()

    def action_copy(self) -> None:
        if self.chosen:
            self.host.copy(_said(self.chosen["value"]))


def _said(value: object) -> str:
    return str(value) if value not in ("", None) else "(empty)"
