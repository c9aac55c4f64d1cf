"""The table of commands; a command's module is imported when the command is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

import click

SECTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Begin": {
            "demo": "See the whole loop on real code: no key, no network, under a minute.",
            "init": "Make a folder a home for Autoclave.",
            "doctor": "Check that everything it needs is here.",
        },
        "Work": {
            "run": "Reach one goal now and report.",
            "goal": "Queue goals, look at them, answer their questions.",
            "serve": "Work on queued goals until stopped.",
            "dashboard": "Watch and steer it in the terminal.",
            "status": "How things stand.",
            "notify": "How you are told that something waits for you.",
            "pause": "Stop the whole agent at its next step.",
            "resume": "Let the paused agent go on.",
            "research": "Ask what is known.",
        },
        "Change": {
            "proposal": "Review, approve, reject, undo changes to the agent itself.",
            "improve": "Look for opportunities to improve now.",
            "capability": "What it can do.",
            "pattern": "What it has learned.",
        },
        "Trust": {
            "owner": "Who may approve: keys, and the people who have them.",
            "token": "Who may come in over HTTP.",
            "secret": "Keys that the kernel puts into requests; never shown.",
            "history": "What happened, event by event.",
            "audit": "Verify the journal.",
            "checkpoint": "Snapshots of everything.",
            "sandbox": "Run any command sealed; test the seal.",
            "rules": "What the safety rules say about an action.",
            "config": "The settings in force and where each comes from.",
            "export": "Metrics and events for other programs.",
        },
    }
)
"""By section of the help: command and what it does in one line."""


class LazyCommands(click.Group):
    """The root group. `--help` and typos are answered from the table alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in SECTIONS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f".commands.{cmd_name}", package=__package__)
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand:
            names = self.list_commands(ctx)
            raise click.NoSuchCommand(args[0], possibilities=names, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()), col_spacing=4)
