"""The alerting rules and the dashboard in etc/: sound, and made of metrics and labels that are there."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from hactl.control.page.metrics import exposition
from support.fake_daemon import STATUS_FILE

ETC = Path(__file__).parents[2] / "etc"
RULES = ETC / "prometheus" / "alerts.yml"
DASHBOARD = ETC / "grafana" / "hactl.json"
FUNCTIONS = {
    "sum",
    "by",
    "min",
    "max",
    "count",
    "rate",
    "increase",
    "changes",
    "topk",
    "or",
    "and",
    "vector",
    "up",
}
FROM_PROMETHEUS = {"instance", "job"}


def labels() -> dict[str, set[str]]:
    """Every metric that /metrics may show, with its labels."""
    status = json.loads(STATUS_FILE.read_text())
    sums = {"connections": 1, "packets_in": 1, "packets_out": 1, "bytes_in": 1, "bytes_out": 1}
    for service in status["services"].values():
        service["counters"] = sums
    for router in status["routers"].values():
        router |= {"transitions": 1, "lateness_ms": 1.0, "renewal_ms": 1.0, "drops": {"own_packet": 1}}
        router["fence"] = {"runs": 1, "failures": 1, "waiting": True}
    for peer in status["peers"].values():
        peer |= {"drops": {"replayed": 1}}
    status["workers"] = {"notify": {"state": "up", "restarts": 0}}
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposition(status).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_what_is_dropped_is_counted_by_its_reason() -> None:
    """Adverts by router, datagrams of the peer channel by peer."""
    shown = labels()
    assert shown["hactl_router_dropped_packets_total"] == {"router", "reason"}
    assert shown["hactl_peer_dropped_packets_total"] == {"peer", "reason"}


def rules() -> list[dict[str, Any]]:
    """All rules."""
    loaded = yaml.safe_load(RULES.read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def expressions() -> list[tuple[str, str]]:
    """Every expression with its name."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    shown = [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]
    return [*((rule["alert"], rule["expr"]) for rule in rules()), *shown]


@pytest.mark.parametrize(("name", "text"), expressions(), ids=lambda value: value[:30])
def test_an_expression_asks_for_what_is_there(name: str, text: str) -> None:
    """Each metric is one of ours, and each label one of its own."""
    known = labels()
    metrics = set(re.findall(r"\b(?:hactl|node_ipvs)_\w+", text))
    assert metrics or 'up{job="hactl"}' in text
    assert metrics <= known.keys()
    own = set().union(*(known[metric] for metric in metrics)) | FROM_PROMETHEUS
    used = set(re.findall(r"(\w+)=", text)) | {
        label.strip() for inside in re.findall(r"by \(([^)]*)\)", text) for label in inside.split(",")
    }
    assert used <= own


def test_what_an_alert_says_is_known_to_it() -> None:
    """A label in a summary is one that the expression leaves."""
    for rule in rules():
        kept = re.findall(r"by \(([^)]*)\)", rule["expr"])
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert not kept or label in kept[0], rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_prometheus_takes_the_rules() -> None:
    """Its own tool finds nothing wrong."""
    done = subprocess.run(
        ["promtool", "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_stands_on_its_own() -> None:
    """Panels have ids of their own, do not overlap, and name no data source of ours."""
    loaded = json.loads(DASHBOARD.read_text())
    assert len({panel["id"] for panel in loaded["panels"]}) == len(loaded["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in loaded["panels"]:
        place = panel["gridPos"]
        fields = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not fields & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= fields
    assert set(re.findall(r'"uid": "([^"]+)"', DASHBOARD.read_text())) == {"hactl", "${source}"}
