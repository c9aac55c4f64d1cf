"""Writes the Grafana dashboards in deploy/grafana/, or with --check says which are not up to date.

A panel names metrics of the table; one that is not there stops the tool.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoclave.monitoring.definitions import BY_NAME
from autoclave.monitoring.metrics import MetricKind

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "grafana"
SCHEMA_VERSION = 41
"""Of Grafana's dashboard model."""
HEIGHT, WIDTH, ROW = 8, 8, 24
_SUFFIXES = ("_bucket", "_sum", "_count")
_NAME = re.compile(r"\bautoclave_[a-z0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    queries: tuple[tuple[str, str], ...]
    """What is asked for, with the legend of each series."""
    unit: str = "short"
    kind: str = "timeseries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    uid: str
    title: str
    panels: tuple[Panel, ...]


def panel(title: str, *queries: str, unit: str = "short", kind: str = "timeseries") -> Panel:
    """Each query as `PromQL | legend`. `{}` is where a selector of the instance goes."""
    pairs = []
    for query in queries:
        expression, _, legend = query.rpartition(" | ")
        pairs.append((expression, legend))
    return Panel(title=title, queries=tuple(pairs), unit=unit, kind=kind)


def stat(title: str, query: str, *, unit: str = "short") -> Panel:
    return panel(title, query, unit=unit, kind="stat")


def quantiles(title: str, metric: str, by: str = "") -> Panel:
    """The median and the slow end of a histogram."""
    groups = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    asked = [
        f"histogram_quantile({q}, sum by ({groups}) (rate({metric}_bucket{{}}[$__rate_interval])))"
        f" | {legend}p{round(q * 100)}"
        for q in (0.5, 0.95)
    ]
    return panel(title, *asked, unit="s")


RATE = "[$__rate_interval]"

DASHBOARDS = (
    Dashboard(
        uid="autoclave-overview",
        title="Autoclave: overview",
        panels=(
            stat("Running", "autoclave_running{} | running"),
            stat("Paused", "sum(autoclave_paused{}) | paused"),
            stat("Waits for a person", "sum(autoclave_waiting{}) | items"),
            panel("Goals", "sum by (status) (autoclave_goals{}) | {{status}}"),
            panel("Waiting", "sum by (kind) (autoclave_waiting{}) | {{kind}}"),
            panel("Oldest waiting", "autoclave_oldest_waiting_seconds{} | oldest", unit="s"),
            panel(
                "Steps",
                f"sum by (kind, outcome) (rate(autoclave_steps_total{{}}{RATE})) "
                "| {{kind}} {{outcome}}",
            ),
            panel(
                "Capability runs",
                f"sum by (capability, outcome) (rate(autoclave_capability_runs_total{{}}{RATE})) "
                "| {{capability}} {{outcome}}",
            ),
            quantiles("Capability run time", "autoclave_capability_run_seconds", "capability"),
            panel(
                "Errors", f"sum by (error) (rate(autoclave_errors_total{{}}{RATE})) | {{{{error}}}}"
            ),
            panel(
                "Sealed runs",
                f"sum by (tier, end) (rate(autoclave_sandbox_runs_total{{}}{RATE})) "
                "| {{tier}} {{end}}",
            ),
            quantiles("Sealed run time", "autoclave_sandbox_run_seconds", "tier"),
            panel(
                "Denials, escalations, incidents",
                "sum(increase(autoclave_denials_total{}[1h])) | denials",
                "sum(increase(autoclave_escalations_total{}[1h])) | escalations",
                "sum(increase(autoclave_incidents_total{}[1h])) | incidents",
            ),
            quantiles("Journal appends", "autoclave_journal_append_seconds"),
            panel(
                "Bytes",
                "autoclave_database_size_bytes{} | database",
                "autoclave_process_resident_memory_bytes{} | memory of the process",
                "autoclave_disk_free_bytes{} | disk free",
                unit="bytes",
            ),
            panel(
                "Time since",
                "time() - autoclave_last_event_timestamp_seconds{} | the newest event",
                "time() - autoclave_last_progress_timestamp_seconds{} | the last step",
                unit="s",
            ),
            panel("Knowledge", "sum by (kind) (autoclave_knowledge{}) | {{kind}}"),
            panel("Patterns", "sum by (kind, state) (autoclave_patterns{}) | {{kind}} {{state}}"),
        ),
    ),
    Dashboard(
        uid="autoclave-model",
        title="Autoclave: model and money",
        panels=(
            stat("Spent today", "autoclave_budget_used_dollars{} | spent", unit="currencyUSD"),
            stat("Limit for a day", "autoclave_budget_limit_dollars{} | limit", unit="currencyUSD"),
            stat(
                "Read from the cache",
                "autoclave_model_cache_hit_ratio{} | {{model}}",
                unit="percentunit",
            ),
            panel(
                "Money by model and purpose",
                "sum by (model, purpose) (increase(autoclave_model_cost_dollars_total{}[1h])) "
                "| {{model}} {{purpose}}",
                unit="currencyUSD",
            ),
            panel(
                "Calls",
                f"sum by (model, outcome) (rate(autoclave_model_calls_total{{}}{RATE})) "
                "| {{model}} {{outcome}}",
            ),
            quantiles("Answer time", "autoclave_model_call_seconds", "model"),
            panel(
                "Tokens",
                f"sum by (model, kind) (rate(autoclave_model_tokens_total{{}}{RATE})) "
                "| {{model}} {{kind}}",
            ),
            panel(
                "Tokens that were thought",
                f"sum by (model) (rate(autoclave_model_reasoning_tokens_total{{}}{RATE})) "
                "| {{model}}",
            ),
            panel(
                "Cache collapses",
                "sum by (model, reason) (increase(autoclave_model_cache_collapses_total{}[1h])) "
                "| {{model}} {{reason}}",
            ),
            panel(
                "Batches", "sum by (state) (increase(autoclave_batches_total{}[1d])) | {{state}}"
            ),
            panel(
                "What capabilities asked for",
                f"sum by (kind, outcome) (rate(autoclave_broker_calls_total{{}}{RATE})) "
                "| {{kind}} {{outcome}}",
            ),
            panel(
                "Searches and pages",
                f"sum by (outcome) (rate(autoclave_searches_total{{}}{RATE})) "
                "| search {{outcome}}",
                f"sum by (outcome) (rate(autoclave_page_fetches_total{{}}{RATE})) "
                "| page {{outcome}}",
            ),
        ),
    ),
    Dashboard(
        uid="autoclave-changes",
        title="Autoclave: approvals and changes",
        panels=(
            stat(
                "Applied without approval",
                'sum(autoclave_proposals_applied_total{how="unapproved"}) | unapproved',
            ),
            stat("Approved unseen", "sum(autoclave_approvals_unseen_total{}) | unseen"),
            stat("Rollbacks", "sum(autoclave_rollbacks_total{}) | rollbacks"),
            panel("Proposals", "sum by (status) (autoclave_proposals{}) | {{status}}"),
            panel(
                "Decisions",
                "sum by (risk, decision) (increase(autoclave_proposals_decided_total{}[1d])) "
                "| {{risk}} {{decision}}",
            ),
            quantiles("Time to a decision", "autoclave_proposal_decision_seconds", "decision"),
            quantiles("Time that approvers looked", "autoclave_proposal_viewed_seconds"),
            quantiles("The same for each line", "autoclave_review_seconds_per_line"),
            quantiles("Time to an answer", "autoclave_answer_wait_seconds"),
            panel(
                "Gates",
                "sum by (gate, verdict) (increase(autoclave_gate_runs_total{}[1d])) "
                "| {{gate}} {{verdict}}",
            ),
            quantiles("Gate time", "autoclave_gate_seconds", "gate"),
            panel(
                "Changes",
                "sum by (how) (increase(autoclave_proposals_applied_total{}[1d])) "
                "| applied {{how}}",
                "sum by (by) (increase(autoclave_rollbacks_total{}[1d])) | undone by {{by}}",
            ),
            panel(
                "Opportunities and drafts",
                "sum(increase(autoclave_opportunities_total{}[1d])) | opportunities",
                "sum by (risk) (increase(autoclave_proposals_drafted_total{}[1d])) "
                "| drafts {{risk}}",
            ),
        ),
    ),
)


def check_names(expression: str) -> None:
    """Raise KeyError unless every metric in the query is in the table."""
    for name in _NAME.findall(expression):
        metric = BY_NAME.get(name)
        if metric is not None and metric.kind is not MetricKind.HISTOGRAM:
            continue
        base = next((name.removesuffix(s) for s in _SUFFIXES if name.endswith(s)), "")
        if base not in BY_NAME or BY_NAME[base].kind is not MetricKind.HISTOGRAM:
            raise KeyError(f"{name} is no metric")


def to_json(dashboard: Dashboard) -> str:
    model = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": "Made by tools/dashboards.py from the table of metrics.",
        "tags": ["autoclave"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": _variables()},
        "panels": list(_panels(dashboard.panels)),
    }
    return json.dumps(model, indent=2) + "\n"


def _variables() -> list[dict[str, Any]]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    query = "label_values(autoclave_build_info, instance)"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "instance",
            "label": "Instance",
            "type": "query",
            "datasource": source,
            "query": {"query": query, "refId": "instances"},
            "definition": query,
            "refresh": 2,
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panels(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    for place, each in enumerate(panels):
        line, column = divmod(place * WIDTH, ROW)
        yield {
            "id": place + 1,
            "type": each.kind,
            "title": each.title,
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "gridPos": {"h": HEIGHT, "w": WIDTH, "x": column, "y": line * HEIGHT},
            "fieldConfig": {"defaults": {"unit": each.unit}, "overrides": []},
            "options": {},
            "targets": [
                _target(*query, letter)
                for query, letter in zip(each.queries, "ABCDEF", strict=False)
            ],
        }


def _target(expression: str, legend: str, letter: str) -> dict[str, Any]:
    check_names(expression)
    chosen = 'instance=~"$instance"'
    selected = expression.replace("{}", f"{{{chosen}}}")
    selected = selected.replace("{how=", f"{{{chosen}, how=")
    return {"refId": letter, "expr": selected, "legendFormat": legend}


def main(arguments: list[str]) -> int:
    wanted = {FOLDER / f"{each.uid}.json": to_json(each) for each in DASHBOARDS}
    if arguments != ["--check"]:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
    stale = [p for p, text in wanted.items() if not p.is_file() or p.read_text("utf-8") != text]
    for path in stale:
        sys.stderr.write(f"{path.name} is not up to date: run `python tools/dashboards.py`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
