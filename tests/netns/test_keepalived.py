"""A live keepalived as the other director: each form that both speak, both roles, start, stop, kill and preemption."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.moves import Cause, State
from failover.spec import AddressSpec, Authentication, Family, PeerSpec, RouterSpec, Transport
from support.directors import Director, until
from support.failover import VIP4, VIP6, router_spec, vip
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

PROGRAM = "/usr/sbin/keepalived"
INTERVAL = 0.2
MASTER_DOWN = 4 * INTERVAL
KEEPALIVED_IS_LATE = 0.1
"""It advertises first and puts its VIPs on some ms later; we let go at its advert."""
FORMS = ["ipv4 multicast", "ipv4 unicast", "ipv6 multicast"]
V2_FORMS = ["v2 multicast", "v2 unicast password"]
V2_INTERVAL = 1.0
PASSWORD_FILE, PASSWORD = "/etc/hactl/vrrp.password", "1234"

CONFIGURATION = """
global_defs {{
    router_id k
    vrrp_garp_master_delay 0
}}
vrrp_instance web {{
    interface eth0
    state BACKUP
    version {version}
    virtual_router_id 51
    priority {priority}
    advert_int {interval}
    {more}
    virtual_ipaddress {{
        {vips}
    }}
}}
"""


class Keepalived:
    """keepalived in host "k" of a network, in the foreground, with files of its own."""

    def __init__(self, net: Lan, folder: Path, form: str) -> None:
        self.net, self.folder, self.form = net, folder, form
        self.process: subprocess.Popen[bytes] | None = None
        self._log = (folder / "log").open("wb")

    def start(self, priority: int) -> None:
        """Start it with this priority."""
        self._configure(priority)
        files = [f"--pid={self.folder}/pid", f"--vrrp_pid={self.folder}/vrrp_pid"]
        options = ["--dont-fork", "--log-console", "--log-detail", "--vrrp", "--no-syslog"]
        words = [PROGRAM, *options, f"--use-file={self.folder}/conf", *files]
        self.process = self.net.start("k", *words, stdout=self._log, stderr=subprocess.STDOUT)

    def change_priority(self, priority: int) -> None:
        """Another priority by a reload."""
        self._configure(priority)
        self._signal(signal.SIGHUP)

    def stop(self) -> None:
        """An orderly stop."""
        self._signal(signal.SIGTERM)
        assert self.process is not None
        assert self.process.wait(10) == 0

    def kill(self) -> None:
        """SIGKILL to both of its processes; it leaves its VIPs, which are removed by hand here."""
        assert self.process is not None
        if self.process.poll() is None:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            # The child releases when its parent dies, the parent starts another when the child does: hold it still first.
            os.kill(self.process.pid, signal.SIGSTOP)
            for pid in [*map(int, children), self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def close(self) -> None:
        """End it and close its log."""
        if self.process is not None:
            self.kill()
        self._log.close()

    def log(self) -> str:
        """All that it has said."""
        return (self.folder / "log").read_text(errors="replace")

    def holds(self) -> bool:
        """Whether the kernel of its host has the VIP."""
        return _vip(self.form) in self.net.run("k", "ip", "address", "show", "dev", "eth0").stdout

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _configure(self, priority: int) -> None:
        more = ""
        if "unicast" in self.form:
            more = f"unicast_src_ip {self.net.address('k')}\nunicast_peer {{ {self.net.address('a')} }}"
        if "password" in self.form:
            more += f"\nauthentication {{ auth_type PASS\n auth_pass {PASSWORD} }}"
        vips = "\n".join(f"{v.address}/{v.prefix}" for v in _vips(self.form))
        version, interval = (2, int(V2_INTERVAL)) if self.form.startswith("v2") else (3, INTERVAL)
        text = CONFIGURATION.format(
            priority=priority, version=version, interval=interval, more=more, vips=vips
        )
        (self.folder / "conf").write_text(text)


def _vip(form: str) -> str:
    return VIP6 if form.startswith("ipv6") else VIP4


def _vips(form: str) -> tuple[AddressSpec, ...]:
    return (vip("fe80::1234"), vip(VIP6)) if form.startswith("ipv6") else (vip(),)


def ours(net: Lan, form: str, priority: int) -> RouterSpec:
    """Our router of this form in host "a"."""
    return router_spec(
        priority=priority,
        version=2 if form.startswith("v2") else 3,
        advert_interval=V2_INTERVAL if form.startswith("v2") else INTERVAL,
        lease=7 if form.startswith("v2") else 2,
        authentication=Authentication.PASSWORD if "password" in form else Authentication.NONE,
        authentication_file=PASSWORD_FILE,
        family=Family.IPV6 if form.startswith("ipv6") else Family.IPV4,
        addresses=_vips(form),
        transport=Transport.UNICAST if "unicast" in form else Transport.MULTICAST,
        peers=(PeerSpec(name="k", address=net.address("k")),) if "unicast" in form else (),
    )


class Mixed:
    """hactl in host "a", keepalived in host "k"."""

    def __init__(
        self, net: Lan, recorder: Recorder, director: Director, rival: Keepalived, form: str
    ) -> None:
        self.net, self.recorder, self.director, self.rival, self.form = net, recorder, director, rival, form

    def join(self, priority: int) -> None:
        """hactl takes part with this priority, or changes to it."""
        self.director.apply(ours(self.net, self.form, priority), secrets={PASSWORD_FILE: PASSWORD})

    def only_holder(self, name: str, seconds: float = 10.0) -> None:
        """Wait until this host alone has the VIP and advertises, and see that it stays so."""
        address = _vip(self.form)
        until(lambda: self._holders(address) == [name], seconds, f"{name} alone; {self.rival.log()}")
        settled = time.monotonic()
        time.sleep(3 * ours(self.net, self.form, 1).advert_interval)
        assert self._holders(address) == [name]
        assert {sent.sender for sent in self.recorder.adverts(since=settled)} == {name}
        assert self.director.state() is (State.MASTER if name == "a" else State.BACKUP)

    def cause(self) -> Cause:
        """Why hactl is what it is."""
        return self.director.reports["web"].cause

    def _holders(self, address: str) -> list[str]:
        return [n for n in self.net.names if address in self.net.run(n, "ip", "address", "show").stdout]


@contextlib.contextmanager
def mixed(folder: Path, form: str) -> Iterator[Mixed]:
    """A pair of the two; at its end keepalived must have complained of nothing that we sent."""
    with lan("a", "k") as net, Recorder(net) as recorder, Director(net, "a") as director:
        rival = Keepalived(net, folder, form)
        try:
            yield Mixed(net, recorder, director, rival, form)
        finally:
            rival.close()
        complaints = ("checksum", "invalid", "bogus", "mismatch", "wrong", "error", "different")
        assert [line for line in rival.log().splitlines() if any(w in line.lower() for w in complaints)] == []
        assert director.drops() == {}


@pytest.mark.parametrize("form", FORMS)
def test_hactl_as_the_better_director(tmp_path: Path, form: str) -> None:
    """keepalived is master; hactl joins and preempts; hactl stops, keepalived takes over at its word."""
    with mixed(tmp_path, form) as both:
        both.rival.start(100)
        until(both.rival.holds, 10.0, "keepalived alone")
        both.join(150)
        both.only_holder("a")
        assert both.cause() is Cause.PREEMPTING
        both.director.stop()
        assert both.director.process.wait(10) == 0
        until(both.rival.holds, 5.0)
        assert not both.director.holds(_vip(form))
        assert both.recorder.longest_absence(_vip(form)) < KEEPALIVED_IS_LATE


@pytest.mark.parametrize("form", FORMS)
def test_keepalived_as_the_better_director(tmp_path: Path, form: str) -> None:
    """hactl is master; keepalived joins and preempts; it stops, returns and is killed, and hactl takes over each time."""
    with mixed(tmp_path, form) as both:
        both.join(100)
        both.director.wait_for(State.MASTER)
        both.rival.start(150)
        both.only_holder("k")
        assert both.cause() is Cause.OUTRANKED
        assert both.recorder.longest_absence(_vip(form)) < KEEPALIVED_IS_LATE
        both.rival.stop()
        both.only_holder("a")
        assert both.cause() is Cause.MASTER_RELEASED
        both.rival.start(150)
        both.only_holder("k")
        both.rival.kill()
        assert both.director.wait_for(State.MASTER).cause is Cause.MASTER_SILENT
        assert both.rival.holds(), "keepalived leaves it for ever; hactl announces against it meanwhile"
        for spec in _vips(form):
            both.net.ip("k", f"address del {spec.address}/{spec.prefix} dev eth0")
        both.only_holder("a")


@pytest.mark.parametrize("form", FORMS)
def test_priorities_change_while_both_run(tmp_path: Path, form: str) -> None:
    """Each in turn becomes the better one by a reload and preempts; then hactl is killed, and its kernel ends the VIP."""
    with mixed(tmp_path, form) as both:
        both.rival.start(100)
        both.join(150)
        both.only_holder("a")
        both.rival.change_priority(200)
        both.only_holder("k")
        both.join(250)
        both.only_holder("a")
        both.director.handover(hold=60.0)
        both.only_holder("k")
        both.director.resume()
        both.only_holder("a")
        both.director.signal(signal.SIGKILL)
        until(both.rival.holds, 10 * MASTER_DOWN)
        until(lambda: not both.director.holds(_vip(form)), 5.0, "the lease")
        assert both.recorder.longest_absence(_vip(form)) < KEEPALIVED_IS_LATE


@pytest.mark.parametrize("form", V2_FORMS)
def test_version_2(tmp_path: Path, form: str) -> None:
    """hactl preempts, is preempted, hears keepalived's release, and hands over by its own at an orderly stop."""
    with mixed(tmp_path, form) as both:
        both.rival.start(100)
        until(both.rival.holds, 15.0, "keepalived alone")
        both.join(150)
        both.only_holder("a")
        assert both.cause() is Cause.PREEMPTING
        both.rival.change_priority(200)
        both.only_holder("k")
        assert both.cause() is Cause.OUTRANKED
        assert both.recorder.longest_absence(_vip(form)) < KEEPALIVED_IS_LATE
        both.rival.stop()
        both.only_holder("a")
        assert both.cause() is Cause.MASTER_RELEASED
        again = time.monotonic()
        both.rival.start(100)
        time.sleep(2 * V2_INTERVAL)
        assert both.director.state() is State.MASTER
        both.director.stop()
        assert both.director.process.wait(10) == 0
        until(both.rival.holds, 5.0)
        assert both.recorder.longest_absence(_vip(form), since=again) < KEEPALIVED_IS_LATE


def test_version_2_with_another_password(tmp_path: Path) -> None:
    """Each refuses the other's adverts, which hactl counts by reason; without a usable password it takes no part."""
    with lan("a", "k") as net, Director(net, "a") as director:
        form = "v2 multicast password"
        rival = Keepalived(net, tmp_path, form)
        try:
            rival.start(200)
            until(rival.holds, 15.0)
            director.apply(ours(net, form, 100), secrets={PASSWORD_FILE: "other"})
            director.wait_for(State.BACKUP)
            until(lambda: director.drops().get("wrong_authentication", 0) > 1, 15.0)
            director.wait_for(State.MASTER)
            director.apply(ours(net, form, 100), secrets={PASSWORD_FILE: "longer than eight"})
            fault = director.wait_for(State.FAULT)
            assert f"the password in {PASSWORD_FILE} is longer than VRRPv2's 8 bytes" in fault.reason
            director.apply(ours(net, form, 100), secrets={PASSWORD_FILE: PASSWORD})
            assert director.wait_for(State.BACKUP).cause is Cause.FAULT_MENDED
        finally:
            rival.close()
