"""`accept: false` on a real director: nothing of the host answers at the VIP, neighbours and its own address do."""

from support.daemon import daemons, wait_until
from support.netns import Lan, lan, needs_namespaces

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors: {lb1: {address: 10.99.0.1}}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100], accept: false}
  six: {vrid: 51, interface: eth0, addresses: ['2001:db8::100'], accept: false}
health: {user: nobody}
ipvs: {reconcile: 1s}
"""


def answers(net: Lan, address: str) -> bool:
    """Whether a client's ping is answered."""
    return net.run("c", "ping", "-c1", "-W1", address, check=False).returncode == 0


def test_only_the_own_address_answers() -> None:
    """Also after somebody flushed the rules; a reload opens it, and the end of the daemon leaves no rule."""
    with lan("lb1", "c") as net, daemons(net, TEXT, "lb1") as (lb1,):
        for number, name in enumerate(net.names, 1):
            net.ip(name, f"address add 2001:db8::{number}/64 dev eth0 nodad")
        lb1.start()
        wait_until(lambda: lb1.is_state("master") and lb1.is_state("master", "six"), 15.0)
        assert answers(net, "10.99.0.1")
        assert not answers(net, "10.99.0.100")
        assert not answers(net, "2001:db8::100")
        found = net.run("c", "ip", "neighbour", "show", "2001:db8::100").stdout
        assert "lladdr" in found, "the master answers neighbour solicitations all the same"
        net.run("lb1", "nft", "flush", "ruleset")
        wait_until(lambda: not answers(net, "10.99.0.100"), 10.0)
        lb1.write(TEXT.replace("accept: false}\n  six", "accept: true}\n  six"))
        assert lb1.hactl("reload").returncode == 0
        wait_until(lambda: answers(net, "10.99.0.100"), 10.0)
        assert not answers(net, "2001:db8::100")
        assert lb1.stop() == 0
        assert net.run("lb1", "nft", "list", "ruleset").stdout == ""
