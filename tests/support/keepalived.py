"""A live keepalived in a host of a `support.netns.Lan`, configured from the same router specs as hactl's own directors."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from failover.spec import Authentication, Family, RouterSpec, Transport
from support.netns import Lan
from support.processes import children

PROGRAM = "/usr/sbin/keepalived"
_COMPLAINTS = (
    "checksum",
    "invalid",
    "bogus",
    "mismatch",
    "wrong",
    "error",
    "different",
    "unknown",
    "illegal",
)


class Keepalived:
    """keepalived in one host, in the foreground, with files of its own in `folder`. `password` is that of VRRPv2.

    `source` is where its unicast adverts come from, by family.
    """

    def __init__(
        self,
        net: Lan,
        name: str,
        folder: Path,
        *,
        password: str = "",
        source: dict[Family, str] | None = None,
    ) -> None:
        self.net, self.name, self.folder = net, name, folder
        self.process: subprocess.Popen[bytes] | None = None
        self._password, self._source = password, source or {}
        self._routers: Sequence[RouterSpec] = ()
        self._log = (folder / "log").open("wb")

    def start(self, *routers: RouterSpec, more: str = "") -> None:
        """Start it with these routers; `more` goes into each instance."""
        self._configure(routers, more)
        files = [f"--pid={self.folder}/pid", f"--vrrp_pid={self.folder}/vrrp_pid"]
        options = ["--dont-fork", "--log-console", "--log-detail", "--vrrp", "--no-syslog"]
        words = [PROGRAM, *options, f"--use-file={self.folder}/conf", *files]
        self.process = self.net.start(self.name, *words, stdout=self._log, stderr=subprocess.STDOUT)

    def change_priority(self, priority: int) -> None:
        """Another priority of all routers by a reload."""
        self._configure([msgspec.structs.replace(spec, priority=priority) for spec in self._routers])
        self._signal(signal.SIGHUP)

    def stop(self) -> None:
        """An orderly stop."""
        self._signal(signal.SIGTERM)
        assert self.process is not None
        assert self.process.wait(10) == 0

    def kill(self) -> None:
        """SIGKILL to both of its processes; it leaves its VIPs, see `take_off`."""
        assert self.process is not None
        if self.process.poll() is None:
            # The child releases when its parent dies, the parent starts another when the child does: hold it still first.
            os.kill(self.process.pid, signal.SIGSTOP)
            for pid in [*self.children(), self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def take_off(self) -> None:
        """Remove its VIPs by hand."""
        there = self.held()
        plain = (spec for spec in self._routers if not spec.virtual_mac)
        vips = [vip for spec in plain for vip in spec.addresses if vip.address in there]
        self.net.ip(self.name, *(f"address del {v.address}/{v.prefix} dev {v.interface}" for v in vips))
        self.net.ip(self.name, *(f"link del {_macvlan(spec)}" for spec in self._routers if spec.virtual_mac))

    def close(self) -> None:
        """End it and close its log."""
        if self.process is not None:
            self.kill()
        self._log.close()

    def children(self) -> list[int]:
        """The processes that do its work."""
        assert self.process is not None
        return children(self.process.pid)

    def held(self) -> set[str]:
        """Which addresses the kernel of its host has."""
        return self.net.addresses(self.name)

    def holds(self) -> bool:
        """Whether it has the VIPs of all its routers."""
        return self.held() >= {vip.address for spec in self._routers for vip in spec.addresses}

    def log(self) -> str:
        """All that it has said."""
        return (self.folder / "log").read_text(errors="replace")

    def complaints(self) -> list[str]:
        """What it disliked."""
        return [line for line in self.log().splitlines() if any(word in line.lower() for word in _COMPLAINTS)]

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _configure(self, routers: Sequence[RouterSpec], more: str = "") -> None:
        self._routers = routers
        blocks = ["global_defs {", f"router_id {self.name}", "vrrp_garp_master_delay 0", "}"]
        for spec in routers:
            lines = [*self._lines(spec), *more.splitlines()]
            blocks += [f"vrrp_instance {spec.name} {{", *lines, "}"]
        (self.folder / "conf").write_text("\n".join(blocks) + "\n")

    def _lines(self, spec: RouterSpec) -> Iterator[str]:
        interval = int(spec.advert_interval) if spec.version == 2 else spec.advert_interval
        yield from (f"interface {spec.interface}", "state BACKUP", f"version {spec.version}")
        yield from (f"virtual_router_id {spec.vrid}", f"priority {spec.priority}", f"advert_int {interval}")
        if spec.virtual_mac:
            yield f"use_vmac {_macvlan(spec)}"
        if spec.transport is Transport.UNICAST:
            peers = " ".join(f"{peer.address}\n" for peer in spec.peers)
            yield from (f"unicast_src_ip {self._source[spec.family]}", "unicast_ttl 255")
            yield f"unicast_peer {{\n{peers}}}"
        if spec.authentication is Authentication.PASSWORD:
            yield f"authentication {{\nauth_type PASS\nauth_pass {self._password}\n}}"
        for block, advertised in (("virtual_ipaddress", True), ("virtual_ipaddress_excluded", False)):
            vips = [f"{vip.address}/{vip.prefix}" for vip in spec.addresses if vip.advertise is advertised]
            if vips:
                yield "\n".join((f"{block} {{", *vips, "}"))


def _macvlan(spec: RouterSpec) -> str:
    return f"vrrp{6 if spec.family is Family.IPV6 else 4}.{spec.vrid}"
