"""This host as a director: every family of findings looked at and judged; edge."""

from collections.abc import Iterator

import msgspec

from hactl.config.model import Config
from hactl.doctor import (
    firewall,
    kernel,
    limits,
    links,
    nat,
    network,
    peers,
    programs,
    secrets,
    switches,
    table,
)
from hactl.doctor.finding import Finding
from hactl.doctor.look import daemon as daemon_look
from hactl.doctor.look import firewall as firewall_look
from hactl.doctor.look import host as host_look
from hactl.doctor.look import kernel as kernel_look
from hactl.doctor.look import limits as limits_look
from hactl.doctor.model import Host
from hactl.doctor.notes import Notes
from hactl.realserver.model import DISTANT


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look: the file that the configuration is from, the daemon's socket.

    `usual`: the file is the one that every command takes by itself.
    `listen`: seconds to listen for adverts, 0: neither listen to the network nor ask it.
    """

    file: str
    socket: str
    usual: bool = True
    listen: float = 0.0


def examine(config: Config, ground: Ground, notes: Notes) -> Iterator[Finding]:
    """Everything about this host as a director, one family after the other."""
    daemon = notes.look("the daemon", lambda: daemon_look.daemon(ground.socket))
    if daemon is not None:
        yield from peers.judge(config, ground.file, daemon)
    running = daemon is not None and daemon.running
    host = notes.look(
        "interfaces and kernel switches", lambda: host_look.host(_destinations(config), running=running)
    )
    if host is not None:
        modules = kernel_look.modules()
        yield from kernel.judge(config, host, modules)
        yield from links.judge(config, host)
        yield from switches.judge(config, host)
        yield from nat.judge(config, host)
        yield from _firewall(config, host, notes)
        if ground.listen:
            yield from network.examine(config, host, ground.listen, notes)
        yield from table.judge_rivals(kernel_look.programs(), host.links)
        if modules.ipvs:
            yield from _table(config, daemon, notes)
    yield from _means(config, daemon, notes)


def _firewall(config: Config, host: Host, notes: Notes) -> Iterator[Finding]:
    """Whether adverts pass, and services by mark get anything."""
    asked = config.failover.routers or any(service.fwmark for service in config.services)
    ruleset = notes.look("the firewall", firewall_look.ruleset) if asked else None
    if ruleset is not None:
        yield from firewall.judge(config, host, ruleset)
        yield from firewall.judge_marks(config, ruleset)
        notes.unseen += firewall.doubtful(config, host, ruleset)


def _table(config: Config, daemon: peers.Daemon | None, notes: Notes) -> Iterator[Finding]:
    """The kernel's table and its connections."""
    held = notes.look("the IPVS table", kernel_look.table)
    owned = notes.look("hactl's record of its services", lambda: kernel_look.owned(config.state_dir))
    if held is not None and owned is not None:
        yield from table.judge_table(config, held, owned)
    talks = notes.look("connections of IPVS", kernel_look.talks)
    if talks is not None:
        yield from nat.judge_conversations(config, talks, daemon.healthy if daemon is not None else None)


def _means(config: Config, daemon: peers.Daemon | None, notes: Notes) -> Iterator[Finding]:
    """What the daemon needs besides the network: time, rights, secrets."""
    clock = notes.look("the clock", limits_look.clock)
    if clock is not None:
        yield from limits.judge_clock(clock)
    if config.failover.routers:
        allowed = notes.look(
            "limits of processes", lambda: limits_look.limits(daemon.worker if daemon is not None else None)
        )
        if allowed is not None:
            yield from limits.judge(allowed)
    files = notes.look("files with secrets", lambda: daemon_look.secrets(config))
    if files is not None:
        yield from secrets.judge(files)
    found = notes.look("programs of routers", lambda: daemon_look.programs(config))
    if found is not None:
        yield from programs.judge(found)


def _destinations(config: Config) -> tuple[str, ...]:
    """All real servers, and anybody far away."""
    servers = (server.address for service in config.services for server in service.servers)
    sorry = (service.sorry.address for service in config.services if service.sorry is not None)
    return tuple(dict.fromkeys((*servers, *sorry, *DISTANT.values())))
