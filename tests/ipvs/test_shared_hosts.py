"""Directors that are real servers too, and the gateway of nat as a second VIP of the router: real packets, on either master.

One pair serves all tests; the VIPs are handed over between the halves of each.
"""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hactl.lab import net as namespaces
from support.daemon import HACTL, Director, assert_clean, daemons
from support.ipvs_daemon import START_WITHIN, VIP, until
from support.ipvs_farm import ANSWER_WITHIN, Farm
from support.netns import Lan, lan

pytestmark = pytest.mark.timeout(400)

GATEWAY, TIMES = "10.99.0.254", 20
SHARED, INSIDE = f"{VIP}:81", f"{VIP}:80"
TEXT = f"""
cluster: shared
directors: {{lb1: 10.99.0.1, lb2: 10.99.0.2}}
routers:
  web: {{vrid: 51, interface: eth0, addresses: [{VIP}, {GATEWAY}], advert_interval: 500ms}}
checks:
  port: {{type: tcp, interval: 2s, timeout: 2s}}
services:
  inside: {{address: {VIP}, port: 80, scheduler: rr, forward: nat, check: port, servers: {{rs1: 10.99.0.4}}}}
  shared:
    {{address: {VIP}, port: 81, scheduler: rr, forward: dr, check: port, servers: {{lb1: 10.99.0.1, lb2: 10.99.0.2}}}}
health: {{user: nobody}}
"""


@dataclass(frozen=True)
class Pair:
    """The directors and what answers on each host."""

    net: Lan
    directors: tuple[Director, ...]
    farms: dict[str, Farm]

    def is_ready(self, master: Director) -> bool:
        """Whether this one is master with both services in its table, and the other has only what is not its own."""
        for one in self.directors:
            status = one.status_or_none()
            wanted = "master" if one is master else "backup"
            if status is None or status["routers"]["web"]["state"] != wanted:
                return False
            if services(self.net, one.name) != {INSIDE, *([SHARED] if one is master else ())}:
                return False
            if not all(
                server["health"] == "up"
                for each in status["services"].values()
                for server in each["servers"].values()
            ):
                return False
        return True

    def answered(self, host: str, service: str, since: int = 0) -> int:
        """How many requests of the client a host has answered at this address."""
        return len(self.farms[host].asked.get(service, ())) - since


def services(net: Lan, host: str) -> set[str]:
    """The services in a host's table."""
    lines = net.run(host, "ipvsadm", "-Sn").stdout.splitlines()
    return {line.split()[2] for line in lines if line.startswith("-A")}


def ask(net: Lan, service: str) -> str:
    """One request of the client's; the answer's last line."""
    host, _, port = service.rpartition(":")
    with net.inside("client"):
        link = socket.create_connection((host, int(port)), ANSWER_WITHIN)
    with link, link.makefile("rb") as answer:
        link.sendall(b"GET /asked HTTP/1.0\r\n\r\n")
        return answer.read().decode().splitlines()[-1]


@pytest.fixture(scope="module")
def made() -> Iterator[Pair]:
    """Both directors prepared as real servers by hactl itself; lb1 is master."""
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(lan("lb1", "lb2", "client", "rs1"))
        pair = stack.enter_context(daemons(net, TEXT, "lb1", "lb2"))
        for director in pair:
            quiet = {f"ipv4/conf/{which}/send_redirects": "0" for which in ("all", "eth0")}
            namespaces.write_switches(net.namespace(director.name), {"ipv4/ip_forward": "1"} | quiet)
            words = (HACTL, "realserver", "apply", "-c", str(director.config))
            net.run(director.name, "env", f"SOCKET={director.socket}", f"STATE={director.state}", *words)
        net.ip("rs1", f"route add {net.address('client')}/32 via {GATEWAY}")
        places = {"lb1": ("10.99.0.1:81", SHARED), "lb2": ("10.99.0.2:81", SHARED), "rs1": ("10.99.0.4:80",)}
        farms = {host: stack.enter_context(Farm(net, host)) for host in places}
        for host, names in places.items():
            farms[host].open(*names)
        for director in pair:
            director.launch()
        both = Pair(net, pair, farms)
        until(lambda: both.is_ready(pair[0]), START_WITHIN)
        yield both
        assert_clean(*pair)


def hand_over(pair: Pair, giver: int) -> None:
    """The other director becomes master."""
    done = pair.directors[giver].hactl("handover")
    assert done.returncode == 0, done.stdout + done.stderr
    until(lambda: pair.is_ready(pair.directors[1 - giver]), START_WITHIN)


def test_directors_that_are_real_servers(made: Pair) -> None:
    """Every request is answered, half by each: the backup answers itself and does not send on what it is sent."""
    for giver in (0, 1):
        before = {host: made.answered(host, SHARED) for host in ("lb1", "lb2")}
        assert [ask(made.net, SHARED) for _ in range(TIMES)] == [SHARED] * TIMES
        assert {host: made.answered(host, SHARED, before[host]) for host in before} == {
            "lb1": TIMES // 2,
            "lb2": TIMES // 2,
        }
        hand_over(made, giver)


def test_the_gateway_of_nat_moves_with_the_vip(made: Pair) -> None:
    """The real server's way back is the router's second VIP, on whichever director it is."""
    for giver in (0, 1):
        assert [ask(made.net, INSIDE) for _ in range(5)] == ["10.99.0.4:80"] * 5
        hand_over(made, giver)
