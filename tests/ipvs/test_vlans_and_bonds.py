"""Routers on VLANs and bonds: elected, undisturbed by the loss of one cable of a bond, given up when the last one is lost.

Here because the lab kernel has both kinds of interface, whatever the machine's own has.
"""

import time

import pytest

from failover.moves import Cause, State
from failover.spec import Family, RouterSpec
from support.directors import Director, until
from support.failover import router_spec, vip
from support.netns import Lan, lan

pytestmark = pytest.mark.timeout(300)

INTERVAL = 1.0
PATIENCE = 60.0
ROUTERS = ("plain", "tagged", "six")


def bonded(net: Lan, name: str, number: int) -> None:
    """A second cable to the same switch, both in one bond, and VLAN 5 on it."""
    port = f"link add name {name}1 type veth peer name eth1 netns {net.namespace(name)}"
    net.ip_at_switch(port, f"link set dev {name}1 master lan up")
    net.ip(
        name,
        "link add bond0 type bond mode active-backup miimon 50",
        "link set eth0 down",
        "address flush dev eth0",
        "link set eth0 master bond0",
        "link set eth1 master bond0",
        "link set bond0 type bond primary eth0",
        "link set bond0 up",
        "link add link bond0 name bond0.5 type vlan id 5",
        "link set bond0.5 up",
        f"address add {net.address(name)}/24 dev bond0",
        f"address add 10.97.0.{number}/24 dev bond0.5",
    )


def routers(priority: int) -> list[RouterSpec]:
    """One on the bond itself, two on the VLAN."""
    common = {"priority": priority, "advert_interval": INTERVAL, "lease": 7}
    tagged = common | {"interface": "bond0.5"}
    return [
        router_spec(
            name="plain", interface="bond0", addresses=(vip("10.98.0.1", interface="bond0"),), **common
        ),
        router_spec(name="tagged", addresses=(vip("10.98.0.2", interface="bond0.5"),), **tagged),
        router_spec(
            name="six",
            family=Family.IPV6,
            addresses=(vip("fe80::98:3", interface="bond0.5"), vip("2001:db8:98::3", interface="bond0.5")),
            **tagged,
        ),
    ]


def all_are(director: Director, state: State) -> bool:
    """Whether it said so of all its routers."""
    return [director.state(name) for name in ROUTERS] == [state] * len(ROUTERS)


def test_routers_on_a_bond_and_on_a_vlan_over_it() -> None:
    """One cable of the master's bond is pulled, then the other, then both are put back."""
    with lan("a", "b") as net:
        for number, name in enumerate(net.names, 1):
            bonded(net, name, number)
        with Director(net, "a") as a, Director(net, "b") as b:
            a.apply(*routers(150))
            b.apply(*routers(100))
            until(lambda: all_are(a, State.MASTER) and all_are(b, State.BACKUP), PATIENCE)
            vips = {"10.98.0.1", "10.98.0.2", "fe80::98:3", "2001:db8:98::3"}
            until(lambda: net.addresses("a") >= vips, 5.0)
            moves = [b.reports[name].transitions for name in ROUTERS]

            net.cut("a")
            time.sleep(5 * INTERVAL)
            assert all_are(a, State.MASTER)
            assert [b.reports[name].transitions for name in ROUTERS] == moves
            assert not net.addresses("b") & vips

            net.ip_at_switch("link set dev a1 down")
            until(lambda: all_are(a, State.FAULT) and all_are(b, State.MASTER), PATIENCE)
            assert {b.reports[name].cause for name in ROUTERS} <= {Cause.MASTER_SILENT}
            assert "bond0 is down" in a.reports["plain"].reason
            until(lambda: not net.addresses("a") & vips, PATIENCE)

            net.mend("a")
            until(lambda: all_are(a, State.MASTER) and all_are(b, State.BACKUP), PATIENCE)
