"""What a snapshot says beyond the state of things: who shares a probe, who rises, who is kept."""

from typing import Any

import msgspec

from hactl.config.load import load
from hactl.ipvs.inherit import adopt
from hactl.ipvs.update import update
from hactl.services.state import State, index
from hactl.status.picture import Clock, Picture
from hactl.status.snapshot import snapshot
from health.result import Health, Outcome, Reason, Result
from support.ipvs_build import wishes

TEXT = """
cluster: web
directors: {lb1: 10.77.0.11}
checks:
  page: {type: http}
  port: {type: tcp}
services:
  www: {address: 10.77.0.100, port: 80, forward: dr, check: [page, port], servers: {rs1: 10.77.0.21, rs2: 10.77.0.22},
        slow_start: 20s}
  api: {address: 10.77.0.101, port: 80, forward: dr, check: page, servers: {other: 10.77.0.21}}
"""


def shown(text: str, *steps: tuple[float, Health], tmp_path: Any) -> dict[str, Any]:
    """The snapshot after every check said so at these times."""
    file = tmp_path / "f.yaml"
    file.write_text(text)
    config = load(str(file), "lb1").config
    assert config is not None
    services = index(config.services)
    state: State = adopt(services, {}, 0.0)
    outcomes: dict[str, Outcome] = {}
    now = 0.0
    for now, health in steps:
        reason = Reason.OK if health is Health.UP else Reason.CLOSED
        outcomes = {
            check.id: Outcome(check=check.id, health=health, result=Result(reason=reason), at=now)
            for check in config.checks
        }
        state = update(state, services, outcomes, wishes({}), now).state
    picture = Picture(
        config=config, version="0", clock=Clock(now, 1.8e9), started=0.0, loaded=1.8e9, state=state, reports={},
        outcomes=outcomes, users=services.by_check, held={}, counters={},
    )  # fmt: skip
    whole: dict[str, Any] = msgspec.to_builtins(snapshot(picture))
    services_shown: dict[str, Any] = whole["services"]
    return services_shown


def test_equal_probes_are_one_and_say_who_shares_them(tmp_path: Any) -> None:
    """The same check of the same target runs once for two services; both see each other at it."""
    services = shown(TEXT, (1.0, Health.UP), tmp_path=tmp_path)
    rs1 = services["www"]["servers"]["rs1"]["checks"]
    assert rs1["page"]["shared_with"] == ["other@api"]
    assert rs1["port"]["shared_with"] == []
    assert services["api"]["servers"]["other"]["checks"]["page"]["shared_with"] == ["rs1@www"]


def test_a_rising_server_says_how_far_it_is(tmp_path: Any) -> None:
    """A share of its weight, nothing when it has all of it."""
    steps = [(1.0, Health.UP), (2.0, Health.DOWN), (3.0, Health.UP)]
    assert shown(TEXT, *steps[:1], tmp_path=tmp_path)["www"]["servers"]["rs1"]["rising"] is None
    assert shown(TEXT, *steps, (8.0, Health.UP), tmp_path=tmp_path)["www"]["servers"]["rs1"]["rising"] == 0.25
