"""Writes the generated pages in docs/, or with --check says which are not up to date.

Also checks what is written by hand: every event is described once, every link leads somewhere.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from math import prod
from pathlib import Path

import click

from autoclave.cli.exits import EXIT_CODES, ExitCode
from autoclave.cli.lazy import SECTIONS
from autoclave.domain.events import EventKind
from autoclave.domain.state import NEXT, State
from autoclave.monitoring.definitions import METRICS
from autoclave.monitoring.metrics import Label, Metric

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MADE_BY = "<!-- Made by `make docs`; edit the source that it names, not this page. -->"

STATES = {
    State.INITIALIZING: "the process starts: journal, rules and sandbox are looked at",
    State.IDLE: "nothing is being done for this goal",
    State.PLANNING: "what is known is recalled, steps are chosen",
    State.EXECUTING: "one intent after the other is judged, written down and done",
    State.LEARNING: "the episode becomes an experience, patterns are updated",
    State.MODIFYING: "an opportunity may become a proposal",
    State.PAUSED: "set aside; goes back only to the state it left",
    State.ERROR: "something failed; what it was is written down",
    State.RECOVERING: "another way is chosen: wait, replan, roll back, ask",
    State.SHUTDOWN: "the end; nothing follows",
}

MEANINGS = {
    ExitCode.FINE: "fine",
    ExitCode.FAILURE: "failure: the goal was not reached, or a bug",
    ExitCode.USAGE: "wrong use: an unknown option, a value that cannot be",
    ExitCode.NOT_FOUND: "nothing has that name",
    ExitCode.CONFIGURATION: "a setting, a rule file or a manifest cannot be used",
    ExitCode.CREDENTIAL: "a key is missing or refused, or the goal cannot be served without one",
    ExitCode.FINDINGS: "the check was made and found something",
    ExitCode.REFUSED: "a rule says no",
    ExitCode.BUDGET: "the budget is used up",
    ExitCode.STALE: "stale or conflicting: look at it again",
    ExitCode.NOT_RUNNING: "needs the agent process, and none runs",
    ExitCode.WAITING: "waits for a person",
    ExitCode.LATER: "busy or short of something: try later",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C",
    ExitCode.BROKEN_PIPE: "the reader of the output went away",
    ExitCode.TERMINATED: "stopped by SIGTERM",
}


def loop_page() -> str:
    arrows = [f"    {a} --> {b}" for a, after in NEXT.items() for b in sorted(after)]
    rows = [
        f"| {state} | {STATES[state]} | {', '.join(sorted(NEXT[state])) or 'nothing'} |"
        for state in State
    ]
    return "\n".join(
        [
            "# The loop",
            "",
            MADE_BY,
            "",
            "Every arrow that a run may take, from `NEXT` in `src/autoclave/domain/state.py`. Any",
            "other is an error. `PAUSED` leads back only to the state that was left.",
            "",
            "```mermaid",
            "stateDiagram-v2",
            *arrows,
            "```",
            "",
            "| State | What happens | May lead to |",
            "|---|---|---|",
            *rows,
            "",
            "Waiting for a person is a status of the goal (`awaiting human`), never a process that",
            "stands still: the question is a row, and the loop goes on with other goals.",
            "",
        ]
    )


def commands_page() -> str:
    parts = [
        "# Commands",
        "",
        MADE_BY,
        "",
        "Data goes to standard output, everything else to standard error. Every command takes",
        "`--json` (one object with `schema_version`; errors are objects too), `--home DIR`,",
        "`--no-color` and `--no-input`. `history --follow` and `status --watch` print one object",
        "per line.",
        "",
        "## Exit codes",
        "",
        "| Code | Meaning | Errors |",
        "|---|---|---|",
        *(_exit_row(code) for code in ExitCode),
        "",
        "`sandbox run` ends with the exit code of the command that it ran. `serve` ends with 0",
        "when SIGTERM or Ctrl-C stops it; a second signal stops any command at once.",
    ]
    for section, names in SECTIONS.items():
        parts += ["", f"## {section}"]
        for name in names:
            command = import_module(f"autoclave.cli.commands.{name}").command
            parts += _command(command, f"autoclave {name}")
    return "\n".join(parts) + "\n"


def _exit_row(code: ExitCode) -> str:
    errors = ", ".join(
        f"`{kind.__name__}`" for kind, wanted in EXIT_CODES.items() if wanted is code
    )
    return f"| {code.value} | {MEANINGS[code]} | {errors} |"


def _command(command: click.Command, path: str) -> Iterator[str]:
    yield from ("", f"### `{path}`", "")
    context = click.Context(command, info_name=path, parent=None)
    if isinstance(command, click.Group):
        yield _text(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _command(inner, f"{path} {name}")
        return
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield from (f"    {usage}", "", _text(command))
    rows = [p.get_help_record(context) for p in command.params if isinstance(p, click.Option)]
    shown = [row for row in rows if row and row[0] not in ("--json", "-h, --help")]
    if shown:
        yield from ("", *(f"- `{names}`: {_plain(text)}" for names, text in shown))


def _text(command: click.Command) -> str:
    """The help text; what click is told to leave as it is becomes a block."""
    paragraphs = (command.help or "").split("\n\n")
    shown = []
    for paragraph in paragraphs:
        lines = [line.strip() for line in paragraph.strip().splitlines()]
        if lines and lines[0] == "\b":
            shown.append("\n".join(f"    {line}" for line in lines[1:]))
        else:
            shown.append("\n".join(lines))
    return "\n\n".join(shown)


def _plain(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def decisions_page() -> str:
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    titles = [page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for page in pages]
    return "\n".join(
        [
            "# Decisions",
            "",
            MADE_BY,
            "",
            "One page for each decision that cost something: what was chosen, why, what was given",
            "up. One that no longer holds is replaced by a new page that says so.",
            "",
            *(f"- [{title}]({page.name})" for title, page in zip(titles, pages, strict=True)),
            "",
        ]
    )


SOURCES = {
    "journal": "counted from events",
    "now": "read at the moment",
    "process": "seen by the process that answers",
}


def metrics_page() -> str:
    series = sum(_most_series(metric) for metric in METRICS)
    return "\n".join(
        [
            "# Metrics",
            "",
            MADE_BY,
            "",
            "Every metric, from `METRICS` in `src/autoclave/monitoring/definitions.py`. They are",
            "the same at `/metrics`, in `autoclave export metrics --format prom|openmetrics|json|",
            "csv|influx` and in the dashboards and alerts in [deploy/](../deploy/README.md).",
            "",
            "A label has closed values, or keeps only so many texts apart; what comes beyond is",
            f"`other`. If every label were full there would be {series:,} series; a home has some",
            "hundreds. What is seen by the process that answers begins at 0 with it.",
            "",
            "| Metric | Kind | Unit | Labels | Meaning | From | Since |",
            "|---|---|---|---|---|---|---|",
            *(_metric_row(metric) for metric in METRICS),
            "",
            "`model_cache_hit_ratio` is `cache_read / (input + cache_read + cache_write)` over all",
            "calls. `model_cache_collapses_total` counts calls whose prompt began with the very",
            "words of the call before, and of which less was read from the cache, by more than 5 %",
            "and 2,000 tokens; `reason` is what the interface said.",
            "",
            "## Metrics of your own",
            "",
            "An installed package offers a function under the entry point group",
            "`autoclave.metrics`; it is called at each scrape once its name stands in the setting",
            "`metrics_of_ones_own`, and not before. It returns `CustomMetric` values of",
            "`autoclave.monitoring.custom`, which become `autoclave_custom_SOURCE_NAME`. It has a",
            "second and a hundred samples. One that fails is left out, and counted in",
            "`autoclave_custom_metrics_broken`.",
            "",
        ]
    )


def _metric_row(metric: Metric) -> str:
    labels = "; ".join(f"`{label.name}`: {_label_values(label)}" for label in metric.labels)
    source = SOURCES[metric.source]
    return (
        f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {_plain(metric.help)} "
        f"| {source} | {metric.since} |"
    )


def _label_values(label: Label) -> str:
    if not label.values:
        return f"at most {label.most}"
    is_long = len(label.values) > MOST_VALUES
    return f"{len(label.values)} kinds" if is_long else ", ".join(label.values)


MOST_VALUES = 12


def _most_series(metric: Metric) -> int:
    lines = len(metric.buckets) + 3 if metric.buckets else 1
    return lines * prod((len(label.values) or label.most) for label in metric.labels)


GENERATED = {
    DOCS / "loop.md": loop_page,
    DOCS / "commands.md": commands_page,
    DOCS / "metrics.md": metrics_page,
    DOCS / "decisions" / "README.md": decisions_page,
}


def stale_pages() -> Iterator[str]:
    for page, make in GENERATED.items():
        if not page.is_file() or page.read_text(encoding="utf-8") != make():
            yield f"{page.relative_to(ROOT)} is not up to date: run `make docs`"


def undescribed_events() -> Iterator[str]:
    page = (DOCS / "events.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    for kind in EventKind:
        if described.count(kind) != 1:
            yield f"docs/events.md describes {kind} {described.count(kind)} times, not once"
    for name in sorted(set(described) - set(EventKind)):
        yield f"docs/events.md describes {name}, which is no event"


def dead_links() -> Iterator[str]:
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("*/README.md")]
    for page in sorted(set(pages)):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (page.parent / target).exists():
                yield f"{page.relative_to(ROOT)} links to {target}, which is not there"


def main(arguments: list[str]) -> int:
    if arguments != ["--check"]:
        for page, make in GENERATED.items():
            page.write_text(make(), encoding="utf-8")
    problems = [*stale_pages(), *undescribed_events(), *dead_links()]
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
