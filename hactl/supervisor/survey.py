"""Gathering what a status snapshot is made of, from all parts of the running supervisor."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import hactl
from hactl.control.page.tokens import faults
from hactl.ipvs.model import ServiceCounters, ServiceKey
from hactl.peers.splits import risks
from hactl.processes.crew import Crew
from hactl.processes.preparing import FAILOVER
from hactl.secrets.names import page_tokens
from hactl.status.form import WorkerView
from hactl.status.picture import Picture
from hactl.witness.view import warnings as witness_warnings

if TYPE_CHECKING:
    from hactl.supervisor.supervisor import Supervisor


def survey(daemon: "Supervisor", counters: Mapping[ServiceKey, ServiceCounters]) -> Picture:
    """The picture of this moment."""
    balancer, crew = daemon.balancer, daemon.crew
    daemon.clock = daemon.clock.at(time.monotonic(), time.time())
    refused = balancer.refusals()
    trouble = [f"IPVS cannot be used: {balancer.trouble}"] if balancer.trouble else []
    trouble += [text for text in (daemon.sync.trouble, daemon.door.trouble) if text]
    trouble += faults(page_tokens(daemon.config, crew.generations.secrets))
    witnesses = daemon.witnesses.view()
    return Picture(
        config=daemon.config,
        version=hactl.__version__,
        clock=daemon.clock,
        started=daemon.started,
        loaded=daemon.loaded,
        state=balancer.state,
        reports=daemon.heard.routers,
        unreported=_unreported(crew),
        peers=daemon.peers.reports,
        peer_configs={
            peer: daemon.peers.matches(peer, daemon.config.sha256) for peer in daemon.peers.reports
        },
        outcomes=balancer.outcomes,
        users=balancer.users,
        held=balancer.held,
        counters=counters,
        refused=refused,
        overrides=daemon.wishes.overrides.in_force(),
        mastership=daemon.wishes.mastership,
        problems=tuple(daemon.problems.open),
        acknowledged=daemon.problems.acknowledged(),
        fencings=daemon.beside.fencings(),
        witnesses=witnesses,
        splits=_splits(daemon),
        workers=_workers(crew, daemon.clock.monotonic),
        channels=daemon.heard.channels,
        sync=daemon.sync.view,
        lateness=daemon.pace.measured,
        warnings=[
            *daemon.warnings,
            *daemon.pace.now(daemon.config.failover.routers),
            *trouble,
            *witness_warnings(witnesses),
            *crew.troubles(daemon.clock.monotonic),
            *crew.refusals(),
            *refused.values(),
        ],
    )


def _splits(daemon: "Supervisor") -> list[str]:
    """What makes two masters, and what would."""
    others = [d.name for d in daemon.config.directors if d.name != daemon.config.node]
    witnesses = daemon.config.witnesses
    arbitrated = witnesses is not None and witnesses.arbiter is not None
    there = daemon.splits.now(daemon.heard.routers, time.monotonic())
    if arbitrated or not daemon.config.failover.routers:
        return there  # Who does not have the arbiter's lease is no master, whoever hears whom.
    return [*there, *risks(others, daemon.peers.reports)]


def _workers(crew: Crew, now: float) -> dict[str, WorkerView]:
    silent = crew.silent(now)
    return {
        name: {
            "pid": child.pid,
            "state": "down" if not child.running else "silent" if name in silent else "up",
            "restarts": child.restarts,
        }
        for name, child in crew.children.items()
    }


def _unreported(crew: Crew) -> str:
    """Why there is no report of a router."""
    if crew.children[FAILOVER].restarts:
        return "the failover worker died and is being started again; what it held is kept meanwhile"
    return "the failover worker has not spoken yet"
