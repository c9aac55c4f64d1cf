"""The shipped files for other programs: whole, valid, and about metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from autoclave.monitoring.definitions import BY_NAME
from autoclave.monitoring.metrics import Metric

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
KUBERNETES = "1.33"
_USE = re.compile(r"(autoclave_[a-z0-9_]+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_FOREIGN = {"job", "instance", "le"}


def _queries() -> list[tuple[str, str]]:
    """Every query of the dashboards and the alerts, with where it stands."""
    found = []
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            found += [(f"{path.name}: {panel['title']}", t["expr"]) for t in panel["targets"]]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    for group in rules["groups"]:
        found += [(rule["alert"], rule["expr"]) for rule in group["rules"]]
    return found


def _metric(name: str) -> Metric | None:
    if name in BY_NAME:
        return BY_NAME[name] if not BY_NAME[name].buckets else None
    return BY_NAME.get(re.sub(r"_(bucket|sum|count)$", "", name))


@pytest.mark.parametrize(("where", "query"), _queries(), ids=lambda text: text[:40])
def test_every_query_asks_for_what_there_is(where: str, query: str) -> None:
    """Metrics of the table, with labels that they have and values that those can have."""
    used = _USE.findall(query)

    assert used or query == 'up{job="autoclave"} == 0', where
    for name, matchers in used:
        metric = _metric(name)
        assert metric is not None, name
        labels = {label.name: label for label in metric.labels}
        for label, wanted in _MATCHER.findall(matchers):
            if label in _FOREIGN:
                continue
            assert label in labels, f"{name} has no label {label}"
            for value in wanted.split("|"):
                assert not labels[label].values or value in labels[label].values, value
    for groups in re.findall(r"by \(([^)]*)\)", query):
        known = {label.name for name, _ in used for label in (_metric(name) or _none()).labels}
        assert {g.strip() for g in groups.split(",")} <= known | _FOREIGN, groups


def _none() -> Metric:
    raise AssertionError("a metric that is not in the table")


def test_dashboards_are_as_their_tool_makes_them() -> None:
    """Nobody edits what is made."""
    tool = ROOT / "tools" / "dashboards.py"

    checked = subprocess.run([sys.executable, str(tool), "--check"], check=False)

    assert checked.returncode == 0


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_can_be_imported_anywhere(path: Path) -> None:
    """A fixed uid, no id, the data source as a variable, panels that do not overlap."""
    model = json.loads(path.read_text())

    assert model["uid"] == path.stem
    assert "id" not in model
    assert [v["name"] for v in model["templating"]["list"]] == ["datasource", "instance"]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in model["panels"]]
    assert len(set(places)) == len(places)
    for panel in model["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"]


def test_every_alert_says_what_to_do_and_is_tested() -> None:
    """An alert that nobody knows what to do about is noise."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    tests = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    raised = {
        each["alertname"]
        for test in tests["tests"]
        for each in test["alert_rule_test"]
        if each.get("exp_alerts")
    }

    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in alerts)
    assert {rule["labels"]["severity"] for rule in alerts} == {"warning", "critical"}
    assert raised == {rule["alert"] for rule in alerts}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "rules", "alerts.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "alerts_test.yml"],
    ],
    ids=" ".join,
)
def test_promtool_agrees(arguments: list[str]) -> None:
    """With the rules, the configuration, and what raises each alert."""
    checked = subprocess.run(
        ["promtool", *arguments], cwd=DEPLOY / "prometheus", capture_output=True, check=False
    )

    assert checked.returncode == 0, (checked.stdout + checked.stderr).decode()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_the_service() -> None:
    """Without a word about it."""
    unit = DEPLOY / "systemd" / "autoclave.service"
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, check=False
    )

    assert (checked.returncode, checked.stderr) == (0, b"")


def _manifests() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


@pytest.mark.parametrize("manifest", _manifests(), ids=lambda manifest: manifest["kind"])
def test_kubernetes_takes_the_manifests(manifest: dict[str, Any]) -> None:
    """By its own schema, unknown fields refused."""
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_there_is_one_replica_and_it_is_not_root() -> None:
    """Two processes over one home would fence each other off."""
    (stateful,) = [m for m in _manifests() if m["kind"] == "StatefulSet"]
    pod = stateful["spec"]["template"]["spec"]

    assert stateful["spec"]["replicas"] == 1
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in [*pod["containers"], *pod["initContainers"]]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_compose_names_files_that_are_there_and_ports_on_loopback() -> None:
    """All but the token, which everybody makes for themselves."""
    compose = yaml.safe_load((DEPLOY / "docker" / "compose.yml").read_text())

    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith(".") and not source.endswith(".token"):
                assert (DEPLOY / "docker" / source).exists(), source
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_prometheus_in_a_container_gets_in() -> None:
    """It has a token, asks by a name that the server allows, and both are written down."""
    docker = DEPLOY / "docker"
    services = yaml.safe_load((docker / "compose.yml").read_text())["services"]
    (job,) = yaml.safe_load((docker / "prometheus.yml").read_text())["scrape_configs"]
    mounted = dict(each.split(":")[:2] for each in services["prometheus"]["volumes"])

    host = job["static_configs"][0]["targets"][0].partition(":")[0]
    file = Path("/etc/prometheus", job["authorization"]["credentials_file"])
    assert host in services
    assert host in services["autoclave"]["environment"]["AUTOCLAVE_API_NAMES"].split(",")
    assert mounted["./prometheus.token"] == str(file)
    assert (
        "token create prometheus --role viewer > deploy/docker/prometheus.token"
        in (docker / "README.md").read_text()
    )


def test_the_scrape_configuration_for_kubernetes_fits_its_manifests() -> None:
    """The target of the instructions is a name that the server allows."""
    (stateful,) = [m for m in _manifests() if m["kind"] == "StatefulSet"]
    environment = stateful["spec"]["template"]["spec"]["containers"][0]["env"]
    names = next(e["value"] for e in environment if e["name"] == "AUTOCLAVE_API_NAMES").split(",")
    said = (DEPLOY / "kubernetes" / "README.md").read_text()

    found = re.search(r'targets: \["([a-z.-]+):8321"\]', said)

    assert found
    assert found[1] in names
    assert "credentials_file" in said


def test_the_image_runs_without_root_and_copies_what_is_there() -> None:
    """Each COPY names something, and the ignore file lets it through."""
    lines = (DEPLOY / "docker" / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    sources = [s for words in copied if words[0][:6] != "--from" for s in words if s[:2] != "--"]
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }

    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001"]
    assert all((ROOT / source).exists() for source in sources)
    assert {source.removeprefix("./") for source in sources} <= allowed


def test_each_folder_says_what_it_is() -> None:
    """In its first line."""
    for folder in (each for each in DEPLOY.iterdir() if each.is_dir()):
        assert (folder / "README.md").read_text().splitlines()[0], folder
