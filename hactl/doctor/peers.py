"""The daemon here, its peers, and whether all of them run this file; core.

What is known of the peers is the daemon's own knowledge, from its status.
"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from failover.lateness import Lateness, smallest_interval
from hactl.config.duration import written
from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.routers import pace


class Daemon(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon of this host: its status, or why there is none."""

    status: Mapping[str, Any] | None = None
    why: str = ""

    @property
    def running(self) -> bool:
        """Whether it answered."""
        return self.status is not None

    @property
    def worker(self) -> int | None:
        """Process id of its failover worker."""
        workers = self.status.get("workers", {}) if self.status is not None else {}
        worker = workers.get("failover", {})
        return worker.get("pid") if worker.get("state") == "up" else None

    @property
    def healthy(self) -> frozenset[str] | None:
        """Names of the servers that pass their checks; None where nobody tells."""
        if self.status is None:
            return None
        servers = (
            one for service in self.status["services"].values() for one in service.get("servers", {}).items()
        )
        return frozenset(name for name, server in servers if server["health"] == "up")


def judge(config: Config, file: str, daemon: Daemon) -> Iterator[Finding]:
    """Whether the daemon runs, with this file, and its peers as well."""
    status = daemon.status
    if status is None:
        yield finding(
            FindingId.DAEMON_DOWN, config.node, daemon.why, "systemctl start hactl   # or: hactl run"
        )
        return
    loaded = status["config"]
    if loaded["sha256"] != config.sha256:
        seen = f"the daemon runs what it loaded at {loaded['loaded']}, and {file} is another file since"
        yield finding(FindingId.CONFIG_UNLOADED, file, seen, "hactl plan && hactl reload")
    for name, worker in status.get("workers", {}).items():
        if worker["state"] != "up":
            seen = f"its process ({worker['pid']}) is {worker['state']}; it was started again {worker['restarts']} times"
            yield finding(FindingId.WORKER_DOWN, name, seen, "journalctl -u hactl -n 100")
    yield from _pace(config, file, pace.read(status.get("lateness")))
    for name, peer in status["peers"].items():
        yield from _peer(name, peer, file)


def _pace(config: Config, file: str, measured: Lateness | None) -> Iterator[Finding]:
    """Whether the failover worker wakes up in time for the intervals of this file."""
    if measured is None:
        return
    for router in pace.too_quick(config.failover.routers, measured):
        smallest = written(smallest_interval(measured.worst, router.down_after))
        mend = f"hactl reload   # on each director, after advert_interval: {smallest} for {router.name} in {file}"
        yield finding(FindingId.INTERVAL_SHORT, router.name, pace.sentence(router, measured), mend)


def _peer(name: str, peer: Mapping[str, Any], file: str) -> Iterator[Finding]:
    if peer["state"] == "down":
        yield finding(
            FindingId.PEER_DOWN, name, peer.get("reason", ""), f"ssh {peer['address']} hactl doctor"
        )
        return
    for link in peer.get("links", ()):
        if link["state"] == "down":
            seen = f"by {link['own']} to {link['peer']}: {link['reason']}"
            yield finding(FindingId.PEER_LINK, name, seen, f"ping -c 3 -I {link['own']} {link['peer']}")
    if peer["config_matches"] is False:
        seen = "by the directors' own channel: it runs another file than the daemon here"
        there, path = peer["address"], shlex.quote(file)
        target = f"'[{there}]':{path}" if ":" in there else f"{there}:{path}"
        mend = f"scp {path} {target} && ssh {there} hactl reload   # or the other way, if its file is the right one"
        yield finding(FindingId.CONFIG_DRIFT, name, seen, mend)
