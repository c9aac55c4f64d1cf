"""What checking the journal came to, in words."""

from __future__ import annotations

from ...domain.canonical import JsonObject
from ...domain.text import show_line


def journal(report: JsonObject) -> str:
    """The journal itself."""
    if not report["ok"]:
        bad = report["first_bad"]
        where = "" if bad is None else f" The first bad event is {bad}."
        return f"The journal is NOT as it was written.{where} {show_line(report['reason'])}"
    anchor = show_line(report["anchor"])
    lines = [f"The journal is whole: {report['events']} events verified; anchor: {anchor}."]
    if head := report.get("head"):
        lines.append(f"Its head is {show_line(head)}: keep it elsewhere for --expect.")
    if found := report.get("incidents"):
        lines.append(f"It holds {found} incidents: autoclave audit incidents")
    return "\n".join(lines)


def file(report: JsonObject) -> str:
    """A file that was exported from one."""
    if not report["ok"]:
        bad = report["first_bad"]
        where = "" if bad is None else f" The first bad line is {bad}."
        return f"The file is NOT as it was exported.{where} {show_line(report['reason'])}"
    said = f"The file is whole: {report['events']} events; head {show_line(report['head'])}."
    mac = _MACS[report["mac"]]
    return f"{said}\n{mac}"


_MACS = {
    "agrees": "It was exported by this home.",
    "not checked": "Who exported it can only be checked with the key of its home.",
}
