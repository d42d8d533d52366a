"""The two programs as pairs of directors with a balanced service, on the kernel's own table.

Its law: equal hosts, intervals and kernel switches; each is hurt and mended in the same way.
"""

import contextlib
import enum
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from bench.outage.acts import Act

from hactl.lab import net as namespaces
from hactl.lab import serving
from support.daemon import Director, daemons
from support.ipvs_daemon import VIP
from support.keepalived import PROGRAM
from support.netns import Lan

SERVICE = (VIP, 80)
MASTER, BACKUP = "lb1", "lb2"
HOSTS = (MASTER, BACKUP, "client", "rs1", "rs2")
SERVERS = ("rs1", "rs2")
_INTERVAL = 0.5
_PRIORITIES = {MASTER: 150, BACKUP: 140}
_LOWER = 100


class Means(enum.StrEnum):
    """By what the new master knows the connections of the old one."""

    SYNC = "sync"
    HASH = "hash"

    @property
    def text(self) -> str:
        """In words."""
        return {"sync": "the kernel's synchronisation, rr", "hash": "hashing (mh) and sloppy_tcp"}[self.value]


class Side(Protocol):
    """One program on both directors."""

    name: str
    net: Lan

    def start(self) -> None: ...
    def ready(self) -> bool: ...
    def do(self, act: Act) -> None: ...
    def undo(self, act: Act) -> None: ...


def settled(side: Side) -> bool:
    """The preferred director alone has the VIP, both have a full table, and the program says it is ready."""
    here, there = (VIP in side.net.addresses(name) for name in (MASTER, BACKUP))
    return here and not there and all(_complete(side.net, name) for name in (MASTER, BACKUP)) and side.ready()


def _complete(net: Lan, name: str) -> bool:
    with net.inside(name):
        found = serving.table(Path("/proc/thread-self/net/ip_vs").read_text())
    return len([entry for entry in found if entry.weight > 0]) == len(SERVERS)


def _do_to_host(net: Lan, act: Act) -> None:
    match act:
        case Act.KILL_ALL:
            namespaces.signal_all(net.namespace(MASTER), signal.SIGKILL)
        case Act.FREEZE:
            namespaces.signal_all(net.namespace(MASTER), signal.SIGSTOP)
        case Act.CUT:
            net.cut(MASTER)


def _undo_to_host(net: Lan, act: Act) -> None:
    match act:
        case Act.FREEZE:
            namespaces.signal_all(net.namespace(MASTER), signal.SIGCONT)
        case Act.CUT:
            net.mend(MASTER)


class Hactl:
    """Our own, with the channel between its directors."""

    name = "hactl"

    def __init__(self, net: Lan, pair: tuple[Director, ...]) -> None:
        self.net, (self._master, self._backup) = net, pair

    def start(self) -> None:
        """Both daemons."""
        self._master.launch()
        self._backup.launch()

    def ready(self) -> bool:
        """Each has heard the other."""
        found = [director.status_or_none() for director in (self._master, self._backup)]
        return all(
            status is not None
            and all(peer["state"] == "up" for peer in status["peers"].values())
            and status["routers"]["web"]["state"] == role
            for status, role in zip(found, ("master", "backup"), strict=True)
        )

    def do(self, act: Act) -> None:
        """Hurt the master."""
        match act:
            case Act.TERM:
                assert self._master.process is not None
                self._master.process.terminate()
            case Act.HANDOVER:
                self._master.hactl("handover", check=True)
            case _:
                _do_to_host(self.net, act)

    def undo(self, act: Act) -> None:
        """Mend it."""
        match act:
            case Act.TERM | Act.KILL_ALL:
                self._master.launch()
            case Act.HANDOVER:
                self._master.hactl("resume", check=True)
            case _:
                _undo_to_host(self.net, act)


class Keepalived:
    """keepalived with VRRP and checkers."""

    name = "keepalived"

    def __init__(self, net: Lan, folder: Path, means: Means) -> None:
        self.net, self._folder, self._means = net, folder, means
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """On both directors; the switch that hactl sets by itself is set for it."""
        for name in (MASTER, BACKUP):
            if self._means is Means.HASH:
                namespaces.write_switches(self.net.namespace(name), {"ipv4/vs/sloppy_tcp": "1"})
            self._start(name)

    def _start(self, name: str) -> None:
        self._write(name, _PRIORITIES[name])
        names = ("pid", "vrrp_pid", "checkers_pid")
        pids = [f"--{which}={self._folder}/{name}-{which}" for which in names]
        options = ["--dont-fork", "--log-console", "--no-syslog", f"--use-file={self._folder}/{name}.conf"]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = self.net.start(
                name, PROGRAM, *options, *pids, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def _write(self, name: str, priority: int) -> None:
        (self._folder / f"{name}.conf").write_text(configuration(self.net, priority, self._means))

    def ready(self) -> bool:
        """It has no more to say than the kernel."""
        return True

    def do(self, act: Act) -> None:
        """Hurt the master; it hands over by a lower priority."""
        match act:
            case Act.TERM:
                self._processes[MASTER].terminate()
            case Act.HANDOVER:
                self._reload(_LOWER)
            case _:
                _do_to_host(self.net, act)

    def undo(self, act: Act) -> None:
        """Mend it. What a killed one left of the table is cleared away, which it would trip over."""
        match act:
            case Act.TERM | Act.KILL_ALL:
                self._processes[MASTER].wait(30)
                namespaces.signal_all(self.net.namespace(MASTER), signal.SIGKILL)
                self.net.run(MASTER, "ipvsadm", "-C")
                self._start(MASTER)
            case Act.HANDOVER:
                self._reload(_PRIORITIES[MASTER])
            case _:
                _undo_to_host(self.net, act)

    def _reload(self, priority: int) -> None:
        self._write(MASTER, priority)
        self._processes[MASTER].send_signal(signal.SIGHUP)


def configuration(net: Lan, priority: int, means: Means) -> str:
    """keepalived.conf of a director."""
    sync = "lvs_sync_daemon eth0 web id 7\n" if means is Means.SYNC else ""
    scheduler = "lb_algo rr" if means is Means.SYNC else "lb_algo mh\nmh-port"
    servers = "".join(
        f"real_server {net.address(name)} 80 {{\nweight 1\nTCP_CHECK {{\nconnect_timeout 2\n}}\n}}\n"
        for name in SERVERS
    )
    return (
        f"global_defs {{\nvrrp_version 3\nvrrp_garp_master_delay 1\n{sync}}}\n"
        f"vrrp_instance web {{\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\npriority {priority}\n"
        f"advert_int {_INTERVAL:g}\nvirtual_ipaddress {{\n{VIP}/32\n}}\n}}\n"
        f"virtual_server {VIP} 80 {{\ndelay_loop 2\n{scheduler}\nlb_kind DR\nprotocol TCP\n{servers}}}\n"
    )


def text(net: Lan, key: Path, means: Means) -> str:
    """hactl.yaml of both directors."""
    how = "scheduler: rr" if means is Means.SYNC else "scheduler: mh, scheduler_flags: [mh-port]"
    servers = ", ".join(f"{name}: {net.address(name)}" for name in SERVERS)
    return (
        f"cluster: flows\ndirectors: {{lb1: {net.address(MASTER)}, lb2: {net.address(BACKUP)}}}\n"
        f"routers:\n  web: {{vrid: 51, interface: eth0, addresses: [{VIP}], advert_interval: 500ms}}\n"
        + ("sync: {interface: eth0, id: 7}\n" if means is Means.SYNC else "ipvs: {sloppy_tcp: true}\n")
        + f"services:\n  www:\n    {{address: {VIP}, port: 80, {how}, forward: dr,\n"
        f"     check: {{type: tcp, interval: 2s, timeout: 2s}}, servers: {{{servers}}}}}\n"
        f"peer: {{key_file: {key}}}\nhealth: {{user: nobody}}\n"
    )


@contextlib.contextmanager
def hactl(net: Lan, folder: Path, means: Means) -> Iterator[Side]:
    """Our own."""
    key = folder / "peer.key"
    key.write_text("a key of more than sixteen characters\n")
    key.chmod(0o600)
    with daemons(net, text(net, key, means), MASTER, BACKUP) as pair:
        yield Hactl(net, pair)


@contextlib.contextmanager
def keepalived(net: Lan, folder: Path, means: Means) -> Iterator[Side]:
    """The rival."""
    yield Keepalived(net, folder, means)


SIDES = {"hactl": hactl, "keepalived": keepalived}
