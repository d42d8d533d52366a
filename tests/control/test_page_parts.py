"""The page's decisions: merge patches, and metrics of odd snapshots."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from hactl.control.page import live
from hactl.control.page.live import Asker
from hactl.control.page.metrics import exposition
from hactl.control.page.patch import difference, without_nothing
from hactl.processes.messages import Ask, Told, Wanted
from support.fake_daemon import STATUS_FILE

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=2), JSON, max_size=4)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396 section 2, as written there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@given(OBJECTS, OBJECTS)
def test_a_patch_leads_from_one_snapshot_to_the_next(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Applied by the RFC's own procedure, it gives exactly the new one."""
    old, new = without_nothing(before), without_nothing(after)
    assert merged(old, difference(old, new)) == new


@given(OBJECTS)
def test_no_change_is_an_empty_patch(one: dict[str, Any]) -> None:
    """Nothing is sent for nothing."""
    same = without_nothing(one)
    assert difference(same, json.loads(json.dumps(same))) == {}


def test_metrics_are_read_by_prometheus_own_parser() -> None:
    """Every family has a type and help, labels are unique, and hostile text stays inside its label."""
    snapshot = json.loads(STATUS_FILE.read_text())
    snapshot["cluster"] = 'a"b\\c\nd'
    families = list(text_string_to_metric_families(exposition(snapshot).decode()))
    samples = [(s.name, tuple(sorted(s.labels.items()))) for f in families for s in f.samples]
    assert len(samples) == len(set(samples)) > 50
    assert all(family.documentation and family.type in ("gauge", "counter") for family in families)
    info = next(s for f in families for s in f.samples if s.name == "hactl_info")
    assert info.labels["cluster"] == 'a"b\\c\nd'


def test_measures_of_programs() -> None:
    """Each is a sample with its name and unit, whatever the plugin calls it."""
    snapshot = json.loads(STATUS_FILE.read_text())
    service, server, check = next(
        (service, server, check)
        for service, shown in snapshot["services"].items()
        for server, each in shown["servers"].items()
        for check in each["checks"]
    )
    found = snapshot["services"][service]["servers"][server]["checks"][check]
    found["measures"] = {'/ a\n"': {"value": 2643.0, "unit": "MB"}, "time": {"value": -0.5, "unit": "s"}}
    families = text_string_to_metric_families(exposition(snapshot).decode())
    (family,) = [family for family in families if family.name == "hactl_check_measure"]
    at = {"service": service, "server": server, "check": check}
    assert [(sample.labels, sample.value) for sample in family.samples] == [
        (at | {"measure": '/ a\n"', "unit": "MB"}, 2643.0),
        (at | {"measure": "time", "unit": "s"}, -0.5),
    ]


def test_metrics_of_a_director_that_has_just_begun() -> None:
    """Nothing is known yet, and that is no fault."""
    bare = {
        "cluster": "c",
        "node": "n",
        "version": "0",
        "since": "2026-01-01T00:00:00Z",
        "config": {"loaded": "2026-01-01T00:00:00Z"},
    }
    assert b"hactl_info" in exposition(bare)


async def test_a_handover_is_waited_for_longer_than_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer may take as long as the peers' timers do, on the page as on the command line."""
    monkeypatch.setattr(live, "ANSWER", 0.01)
    asked: list[Ask] = []
    asker = Asker(asked.append)
    assert (await asker.status()).status == 503
    handover = asyncio.create_task(asker.ask(Wanted.HANDOVER))
    await asyncio.sleep(0.1)
    asker.told(Told(asked[-1].id, 200, b"{}"))
    assert (await handover).status == 200
