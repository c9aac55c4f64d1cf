"""The colours: dark, light, the terminal's own. Blue and orange, never red and green."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from textual.theme import Theme

Scheme = Literal["auto", "dark", "light"]

DARK = Theme(
    name="autoclave-dark",
    dark=True,
    primary="#7aa2f7",
    secondary="#9aa5ce",
    accent="#c8a2ff",
    success="#7aa2f7",
    warning="#e8b45a",
    error="#ff9e64",
    foreground="#d5d9e6",
    background="#16181d",
    surface="#1d2026",
    panel="#2a2e37",
    variables={"muted": "#8a90a2"},
)
LIGHT = Theme(
    name="autoclave-light",
    dark=False,
    primary="#1f4fbf",
    secondary="#4a5578",
    accent="#6b3fa0",
    success="#1f4fbf",
    warning="#8a5a00",
    error="#b34700",
    foreground="#1c1e24",
    background="#fbfbfa",
    surface="#f1f1ee",
    panel="#dfe0dc",
    variables={"muted": "#5f6472"},
)
OWN_DARK = Theme(
    name="autoclave-ansi-dark",
    ansi=True,
    dark=True,
    primary="ansi_bright_blue",
    secondary="ansi_cyan",
    accent="ansi_bright_magenta",
    success="ansi_bright_blue",
    warning="ansi_yellow",
    error="ansi_bright_yellow",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_bright_black",
    boost="ansi_default",
    variables={
        "muted": "ansi_default",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border-blurred": "ansi_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_bright_blue",
        "screen-selection-foreground": "ansi_black",
    },
)
ALL = (DARK, LIGHT, OWN_DARK)


def choose(scheme: Scheme, environment: Mapping[str, str]) -> str:
    """The name of a theme. Where nothing says what the terminal can do, its own colours."""
    if scheme != "auto":
        return f"autoclave-{scheme}"
    if environment.get("COLORTERM", "") not in ("truecolor", "24bit"):
        return OWN_DARK.name
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if background in ("7", "15") else DARK.name
