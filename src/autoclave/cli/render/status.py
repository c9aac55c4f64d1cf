"""The quick status and the doctor's report as text."""

from __future__ import annotations

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from .paint import clip, moment, paint, table, verdict


def status(report: JsonObject, *, color: bool) -> str:
    lines = [
        f"{paint('home', 'dim', color=color)}       {show_line(report['home'])}",
        f"{paint('agent', 'dim', color=color)}      {_running(report)}",
        f"{paint('goals', 'dim', color=color)}      {_counts(report['goals'])}",
        f"{paint('proposals', 'dim', color=color)}  {_counts(report['proposals'])}",
        f"{paint('spent', 'dim', color=color)}      {report['spend_today_usd']:.4f} USD today",
        f"{paint('last', 'dim', color=color)}       {_last(report['last_event'])}",
        "",
        _needs(report["needs_person"]),
    ]
    return "\n".join(lines)


def doctor(report: JsonObject, *, color: bool) -> str:
    lines = []
    for check in report["checks"]:
        said = verdict(check["verdict"], color=color, width=11)
        lines.append(f"{said}  {show_line(check['name']):<14}  {show_line(check['detail'])}")
        if check["fix"] and check["verdict"] != "ok":
            lines.append(f"{'':<13}fix: {show_line(check['fix'])}")
    bad = sum(check["verdict"] == "fail" for check in report["checks"])
    lines.append("")
    lines.append("All is well." if report["ok"] else f"{bad} to be fixed.")
    return "\n".join(lines)


def _running(report: JsonObject) -> str:
    running = report["running"]
    return f"running, process {running['pid']}" if running else "not running (autoclave serve)"


def _counts(counts: JsonObject) -> str:
    return ", ".join(f"{n} {show_line(status)}" for status, n in sorted(counts.items())) or "none"


def _last(event: JsonObject | None) -> str:
    if event is None:
        return "nothing has happened yet"
    return f"{event['kind']} in {show_line(event['stream'])} at {moment(event['at'])}"


def _needs(waiting: list[JsonObject]) -> str:
    rows = [[item["id"], clip(item["what"]), item["next"]] for item in waiting]
    return table(["waits for you", "what", "look at it"], rows, empty="Nothing waits for you.")
