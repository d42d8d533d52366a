"""Two whole daemons with the peer channel over two links: what one says, the other knows."""

import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import SERVICES, VIP, Director, Pair, pair, wait_until
from support.netns import Lan, needs_namespaces

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.2}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100], advert_interval: 1s}
peer:
  key_file: KEYFILE
  links: [{lb1: 10.98.0.1, lb2: 10.98.0.2}]
health: {user: nobody}
"""


def second_link(net: Lan) -> None:
    """A cable right from one director to the other, besides the LAN."""
    one, other = net.namespace("lb1"), net.namespace("lb2")
    net.ip(
        "lb1", f"link add name eth9 netns {one} index 900 type veth peer name eth9 netns {other} index 901"
    )
    for number, name in enumerate(("lb1", "lb2"), 1):
        net.ip(name, f"address add 10.98.0.{number}/24 dev eth9", "link set dev eth9 up")


@pytest.fixture
def two() -> Iterator[Pair]:
    """A pair with the channel, both of it up."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "peer.key"
        key.write_text("a key of more than sixteen characters\n")
        key.chmod(0o600)
        with pair(TEXT.replace("KEYFILE", str(key)) + SERVICES) as running:
            second_link(running.net)
            wait_until(lambda: all(links_are_up(d, o) for d, o in others(running)), 15.0)
            yield running


def others(two: Pair) -> tuple[tuple[Director, str], ...]:
    """Each director with the name of the other."""
    return (two.lb1, "lb2"), (two.lb2, "lb1")


def peer_state(director: Director, name: str) -> str:
    """The state of a peer in a director's status."""
    return str(director.status()["peers"][name]["state"])


def links_are_up(director: Director, name: str) -> bool:
    """Whether a peer is heard on every link."""
    return all(link["state"] == "up" for link in director.status()["peers"][name]["links"])


def test_overrides_are_shared_and_kept(two: Pair) -> None:
    """A drain said on one director holds on both, and on a restarted one as well."""
    done = two.lb1.hactl("drain", "rs1", "--reason", "new disk", "--json")
    assert done.returncode == 0, done.stderr
    assert '"lb2"' in done.stdout
    wait_until(lambda: two.lb2.server("rs1@www")["admin"] == "drain")
    assert two.lb2.stop() == 0
    two.lb2.start()
    wait_until(lambda: two.lb2.server("rs1@www")["admin"] == "drain")
    assert two.lb2.hactl("enable", "rs1").returncode == 0
    wait_until(lambda: two.lb1.server("rs1@www")["admin"] == "enabled")


def test_overrides_outlive_a_takeover(two: Pair) -> None:
    """What was said on a master that is killed is in force on its successor, and what the successor is told meanwhile on
    the killed one when it is back."""

    def said(director: Director) -> set[tuple[str, str | None, int | None]]:
        return {(one["server"], one["admin"], one["weight"]) for one in director.status()["overrides"]}

    def admin(director: Director) -> list[str]:
        servers = director.status()["services"]["www"]["servers"]
        return [one["admin"] for one in servers.values()]

    first = {("rs1", "drain", None), ("rs2", None, 7)}
    for words in (("drain", "rs1"), ("weight", "rs2", "7")):
        assert two.lb1.hactl(*words).returncode == 0
    wait_until(lambda: said(two.lb2) == first)
    two.lb1.signal(signal.SIGKILL)
    wait_until(lambda: two.lb2.is_state("master"))
    assert said(two.lb2) == first
    assert admin(two.lb2) == ["drain", "enabled"]
    assert two.lb2.events("override.unseen") == []
    assert two.lb2.hactl("disable", "rs2").returncode == 0
    two.lb1.start()
    wait_until(lambda: said(two.lb1) == first | {("rs2", "disabled", None)})
    wait_until(lambda: two.lb1.is_state("master"))
    assert admin(two.lb1) == ["drain", "disabled"]


def test_a_differing_configuration_is_told(two: Pair) -> None:
    """After a reload on one director only, both say so, once; equal again, they match again."""
    wait_until(lambda: two.lb1.status()["peers"]["lb2"]["config_matches"] is True)
    before = two.lb1.config.read_text()
    two.lb1.write(before.replace("advert_interval: 1s", "advert_interval: 2s"))
    assert two.lb1.hactl("reload").returncode == 0
    wait_until(lambda: two.lb2.events("config.drift", "lb1") and two.lb1.events("config.drift", "lb2"))
    assert two.lb2.status()["peers"]["lb1"]["config_matches"] is False
    two.lb1.write(before)
    assert two.lb1.hactl("reload").returncode == 0
    wait_until(lambda: two.lb2.status()["peers"]["lb1"]["config_matches"] is True)
    assert len(two.lb2.events("config.drift", "lb1")) == 1


def test_a_lost_carrier_is_told_on_the_other_link(two: Pair) -> None:
    """The master's cable is pulled: told over the second link, the peer takes over long before three silent adverts."""
    began = time.monotonic()
    two.net.cut("lb1")
    wait_until(lambda: VIP in two.net.run("lb2", "ip", "-4", "address").stdout, every=0.01)
    assert time.monotonic() - began < 1.5
    assert peer_state(two.lb2, "lb1") == "up"
    two.net.mend("lb1")
    wait_until(lambda: two.lb1.is_state("master") and two.lb2.is_state("backup"), 20.0)


def test_a_dead_peer_lengthens_the_lease(two: Pair) -> None:
    """While the only peer is known to be down the lease is a minute; with the peer back it is the short one again."""
    short = two.lb1.router()["lease"]
    assert two.lb2.stop() == 0
    wait_until(lambda: two.lb1.router()["lease"] == 60)
    wait_until(lambda: two.lb1.events("peer.down", "lb2"))
    two.lb2.start()
    wait_until(lambda: two.lb1.router()["lease"] == short)
    wait_until(lambda: two.lb1.events("peer.up", "lb2"))


def test_one_link_down_is_an_alarm_only(two: Pair) -> None:
    """The second link breaks: the peer stays up, nobody moves, one event tells of it, and another when it works again."""
    masters = len(two.lb2.events("router.master"))

    def told() -> list[str]:
        return [event["new"] for event in two.lb1.events("peer.link", "lb2")]

    # The link came after the daemons, and that is no alarm.
    assert told() == []
    two.net.ip("lb2", "link set dev eth9 down")
    wait_until(lambda: told() == ["down"])
    broken = two.lb1.events("peer.link", "lb2")[-1]
    assert (broken["old"], broken["new"], broken["severity"]) == ("up", "down", "warning")
    assert "10.98.0.1 - 10.98.0.2" in broken["reason"]
    assert peer_state(two.lb1, "lb2") == "up"
    assert two.lb1.is_state("master")
    two.net.ip("lb2", "link set dev eth9 up")
    wait_until(lambda: told() == ["down", "up"])
    assert two.lb1.events("peer.down") == []
    assert len(two.lb2.events("router.master")) == masters
