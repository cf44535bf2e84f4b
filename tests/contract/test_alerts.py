"""The alert rules: Prometheus' own tool checks and tests them, each is tested both ways, and what they tell people to do can be done."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from devstack import installing
from devstack.parts import PARTS
from mesh.commands import command_line

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "studyteddy"
RULES = CHART / "alerts.yaml"
TESTS = Path(__file__).parent / "alerts"
FIRING = re.compile(r'^ALERTS\{alertname="(\w+)", alertstate="firing"')
# What issue 4 asks to be watched, by the metric that says it.
PROMISED = {
    "outbox age": "mesh_outbox_age_seconds",
    "queue depth": "mesh_queue_depth",
    "retries": "mesh_retries_total",
    "dead letters": "mesh_dead_letter_depth",
    "consumer count": "mesh_queue_consumers",
    "inbox hits": "mesh_inbox_hits_total",
    "ephemeral drops": "mesh_ephemeral_drops_total",
}


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


ALERTS: dict[str, Any] = {rule["alert"]: rule for group in loaded(RULES)["groups"] for rule in group["rules"]}


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run([installing.program("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def expectations() -> list[tuple[str, list[str]]]:
    """For each question that the unit tests ask about one alert: its name, and the labels of those that fire."""
    asked = [one for path in TESTS.glob("*.yaml") for test in loaded(path)["tests"] for one in test["promql_expr_test"]]
    return [
        (found[1], [sample["labels"] for sample in one["exp_samples"]])
        for one in asked
        if (found := FIRING.match(one["expr"]))
    ]


def test_prometheus_accepts_the_rules() -> None:
    promtool("check", "rules", RULES)


def test_prometheus_accepts_the_configuration_of_the_composition(tmp_path: Path) -> None:
    text = (ROOT / "docker" / "prometheus.yml").read_text(encoding="utf-8")
    mounted = "/etc/prometheus/alerts.yaml"
    assert mounted in text
    (tmp_path / "prometheus.yml").write_text(text.replace(mounted, str(RULES)))
    promtool("check", "config", tmp_path / "prometheus.yml")


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_rules_fire_when_they_should_and_are_silent_when_they_should(path: Path) -> None:
    promtool("test", "rules", path)


def test_each_rule_is_tested_both_ways() -> None:
    asked = expectations()
    assert {name for name, firing in asked if firing} == set(ALERTS), "tested to fire"
    assert {name for name, firing in asked if not firing} == set(ALERTS), "tested to be silent"


@pytest.mark.parametrize("metric", PROMISED.values(), ids=PROMISED)
def test_each_promised_metric_has_an_alert(metric: str) -> None:
    assert [name for name, rule in ALERTS.items() if metric in rule["expr"]]


@pytest.mark.parametrize("name", ALERTS)
def test_a_rule_says_how_bad_it_is_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description"}
    spoken_of = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    had = [
        set(re.findall(r"(\w+)=", labels))
        for firing_name, firing in expectations()
        if firing_name == name
        for labels in firing
    ]
    assert spoken_of <= set.intersection(*had), "a label that the alert does not have is written as nothing"


def test_every_command_that_is_advised_is_one() -> None:
    advice = " ".join(rule["annotations"]["description"] for rule in ALERTS.values())
    filled = re.sub(r"\{\{ \$labels\.consumer \}\}", "chat.erase_user", advice)
    commands = re.findall(r"\bmesh ((?:dead \w+|republish|audit)(?: --\w+ [^\s;,)]*[\w])*)", filled)
    assert {command.split()[0] for command in commands} == {"dead", "republish", "audit"}
    for command in commands:
        command_line().parse_args(command.split())


def test_every_deployment_that_is_named_is_in_the_chart() -> None:
    services = loaded(CHART / "values.yaml")["services"]
    deployments = {f"{service}-{name}" for service, about in services.items() for name in about["deployments"]}
    advice = " ".join(rule["annotations"]["description"] for rule in ALERTS.values())
    filled = re.sub(r"\{\{ \$labels\.service \}\}", "chat", advice)
    named = set(re.findall(r"deploy/studyteddy-([\w-]+)", filled))
    assert named
    assert named <= deployments


def test_every_service_with_an_outbox_is_missed_when_its_relay_is_gone() -> None:
    missed = re.findall(r'\(mesh_consumer_ready\), "service", "(\w+)"', ALERTS["MeshRelayAbsent"]["expr"])
    assert sorted(missed) == sorted(part.name for part in PARTS if part.stores)


def test_numbers_that_every_relay_reports_are_never_added() -> None:
    for name, rule in ALERTS.items():
        assert not re.search(
            r"\bsum by \([^)]*\) \((?:\w+\()*mesh_(queue|dead_letter)_(depth|consumers)", rule["expr"]
        ), name


def test_every_alert_stands_in_the_operators_table() -> None:
    readme = (ROOT / "helm" / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)`", readme, re.MULTILINE)) == sorted(ALERTS)
