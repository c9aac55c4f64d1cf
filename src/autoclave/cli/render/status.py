"""The quick status and the doctor's report as text."""

from __future__ import annotations

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from .paint import clip, moment, paint, table, verdict


def status(report: JsonObject, *, color: bool) -> str:
    lines = [
        f"{paint('home', 'dim', color=color)}       {show_line(report['home'])}",
        f"{paint('agent', 'dim', color=color)}      {_agent(report)}",
        f"{paint('goals', 'dim', color=color)}      {_counts(report['goals'])}{_parked(report)}",
        f"{paint('proposals', 'dim', color=color)}  {_counts(report['proposals'])}",
        f"{paint('spent', 'dim', color=color)}      {_spent(report)}",
        f"{paint('last', 'dim', color=color)}       {_last(report['last_event'])}",
        "",
        _needs(report["needs_person"]),
    ]
    for batch in reversed(report.get("batches", ())):
        lines.insert(5, f"{paint('batch', 'dim', color=color)}      {_batch(batch)}")
    if found := report.get("incidents_today"):
        said = f"{found} today: autoclave audit incidents"
        lines.insert(5, f"{paint('incidents', 'dim', color=color)}  {said}")
    if report["shortage"]["level"] != "ok":
        lines.insert(2, f"{paint('machine', 'dim', color=color)}    {_machine(report)}")
    return "\n".join(lines)


def standing(report: JsonObject) -> str:
    """Whether the agent is paused, after somebody changed that."""
    if not report["paused"]:
        return "the agent goes on"
    return f"{_paused(report)}; {show_line(report['next'])}"


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


def _agent(report: JsonObject) -> str:
    pause = report["pause"]
    running = _running(report)
    return f"{running}; {_paused(pause)}; {show_line(pause['next'])}" if pause else running


def _paused(pause: JsonObject) -> str:
    kind = "a person has to look" if pause["code"] == "escalated" else "asked for"
    why = f": {show_line(pause['reason'])}" if pause["reason"] else ""
    return f"PAUSED by {show_line(pause['by'])} since {moment(pause['since'])} ({kind}){why}"


def _machine(report: JsonObject) -> str:
    shortage = report["shortage"]
    what = "what runs is set aside" if shortage["level"] == "hard" else "no more work is taken on"
    return f"{shortage['level']} limit, {what}: {show_line(shortage['reason'])}"


def _spent(report: JsonObject) -> str:
    """Today's spend against the limits that were in force when the agent began last."""
    spent, limits = report["spend_today"], report["limits_per_day"]
    said = []
    for name, unit in _UNITS.items():
        limit = limits.get(name)
        of = f" of {_amount(limit)}" if limit is not None else ""
        if of or spent.get(name):
            said.append(f"{_amount(spent.get(name, 0))}{of} {unit}")
    return f"{', '.join(said) or 'nothing'} today"


def _amount(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _parked(report: JsonObject) -> str:
    found = report["set_aside"]
    return f" ({', '.join(f'{n} for {show_line(why)}' for why, n in found.items())})" * bool(found)


_UNITS = {
    "usd": "USD",
    "tokens": "tokens",
    "model_calls": "model calls",
    "steps": "steps",
    "seconds": "seconds",
}


def _running(report: JsonObject) -> str:
    running = report["running"]
    return f"running, process {running['pid']}" if running else "not running (autoclave serve)"


def _counts(counts: JsonObject) -> str:
    return ", ".join(f"{n} {show_line(status)}" for status, n in sorted(counts.items())) or "none"


def _last(event: JsonObject | None) -> str:
    if event is None:
        return "nothing has happened yet"
    return f"{event['kind']} in {show_line(event['stream'])} at {moment(event['at'])}"


def _batch(batch: JsonObject) -> str:
    """One that is under way."""
    asked = f"{batch['id']}: {batch['questions']} questions to {show_line(batch['model'])}"
    held = f"at most {_amount(batch['most_usd'])} USD"
    why = f"; {show_line(batch['reason'])}" if batch["reason"] else ""
    return f"{asked}, {held}; looked at again at {moment(batch['wake_at'])}{why}"


def _needs(waiting: list[JsonObject]) -> str:
    rows = [[item["id"], clip(item["what"]), item["next"]] for item in waiting]
    return table(["waits for you", "what", "look at it"], rows, empty="Nothing waits for you.")
