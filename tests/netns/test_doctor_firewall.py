"""`hactl doctor` about firewalls: the kernel's own rules, judged and proved by adverts that arrive or do not."""

import socket

import pytest

from failover.packet import GROUP4, PROTOCOL
from support.doctor import HEAD, NAT, Ward
from support.netns import AS_NOBODY, needs_namespaces

pytestmark = needs_namespaces

INPUT = """
table inet filter {
  set peers {
    type ipv4_addr
    flags interval
    elements = { 10.99.0.2, 10.98.0.0/24 }
  }
  chain vrrp {
    ip saddr @peers accept
  }
  chain input {
    type filter hook input priority filter; policy POLICY;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname "lo" accept
    ip protocol icmp accept
    ip6 nexthdr icmpv6 accept
    tcp dport { 22, 80-90 } accept
    RULE
  }
}
"""


def load(hosts: Ward, rule: str, policy: str = "drop") -> None:
    """These rules on lb1 and no others."""
    rules = hosts.folder / "rules"
    rules.write_text("flush ruleset\n" + INPUT.replace("RULE", rule).replace("POLICY", policy))
    hosts.net.run("lb1", "nft", "-f", str(rules))


def arrives(hosts: Ward) -> bool:
    """Whether what lb2 sends to the group by protocol 112 reaches a socket on lb1."""
    with hosts.net.inside("lb1"):
        hears = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    with hosts.net.inside("lb2"):
        speaks = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    with hears, speaks:
        hears.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, GROUP4 + socket.inet_aton(hosts.net.address("lb1"))
        )
        speaks.setsockopt(
            socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(hosts.net.address("lb2"))
        )
        hears.settimeout(1.0)
        speaks.sendto(b"advert", ("224.0.0.18", 0))
        try:
            return bool(hears.recv(100))
        except TimeoutError:
            return False


@pytest.mark.parametrize(
    ("rule", "policy", "passes"),
    [
        ("", "drop", False),
        ("", "accept", True),
        ("ip protocol vrrp drop", "accept", False),
        ("meta l4proto != vrrp accept", "drop", False),
        ("meta l4proto { udp, vrrp } accept", "drop", True),
        ("ip saddr { 10.99.0.0/24 } accept", "drop", True),
        ("ip daddr 224.0.0.18 counter accept", "drop", True),
        ("ip protocol vrrp jump vrrp", "drop", True),
        ("ip saddr != @peers accept", "drop", False),
        ("ip6 daddr ff02::12 accept", "drop", False),
        ('iifname "eth*" meta pkttype multicast accept', "drop", True),
        ("ip protocol vmap { vrrp : drop, udp : accept }", "accept", False),
    ],
)
def test_the_verdict_is_the_kernels(hosts: Ward, rule: str, policy: str, passes: bool) -> None:
    """A finding exactly where the kernel drops the advert; the command that is given lets it pass."""
    load(hosts, rule, policy)
    assert arrives(hosts) is passes
    found = hosts.found("lb1")
    assert (("vrrp-blocked", "web") not in found) is passes
    if not passes:
        hosts.mend("lb1", found["vrrp-blocked", "web"])
        assert arrives(hosts)
        assert ("vrrp-blocked", "web") not in hosts.found("lb1")


def test_adverts_that_cannot_leave(hosts: Ward) -> None:
    """The way out has a finding of its own, by unicast as well."""
    hosts.write(NAT, HEAD.replace("vrid", "transport: unicast, vrid"))
    chain = "type filter hook output priority 0; policy accept;\n ip daddr 10.99.0.2 drop"
    rules = f"table ip out {{\n chain o {{\n {chain}\n}}\n}}\n"
    (hosts.folder / "rules").write_text(rules)
    hosts.net.run("lb1", "nft", "-f", str(hosts.folder / "rules"))
    finding = hosts.found("lb1")["vrrp-blocked", "web"]
    assert "this director's adverts on eth0" in finding["evidence"]
    hosts.mend("lb1", finding)
    assert ("vrrp-blocked", "web") not in hosts.found("lb1")


def test_adverts_over_ipv6(hosts: Ward) -> None:
    """Rules of the other family say nothing of them."""
    six = "  six: {vrid: 51, interface: eth0, addresses: ['2001:db8::100']}\n"
    hosts.write("", HEAD + six)
    for rule, blocked in (("ip6 nexthdr vrrp drop", "six"), ("ip protocol vrrp drop", "web")):
        load(hosts, rule, "accept")
        found = hosts.found("lb1")
        assert {subject for kind, subject in found if kind == "vrrp-blocked"} == {blocked}
        hosts.mend("lb1", found["vrrp-blocked", blocked])
        assert "vrrp-blocked" not in {kind for kind, _ in hosts.found("lb1")}


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ("", False),
        ("-p tcp -m multiport --dports 22,80 -j ACCEPT", False),
        ("-p vrrp -m comment --comment adverts -j ACCEPT", True),
        ("-m pkttype --pkt-type multicast -j ACCEPT", True),
        ("! -s 10.99.0.2 -j ACCEPT", False),
    ],
)
def test_rules_of_iptables(hosts: Ward, rule: str, passes: bool) -> None:
    """As firewalls of that kind begin, which nft alone cannot explain; the kernel judges."""
    usual = ("-P INPUT DROP", "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
    for line in (*usual, *([f"-A INPUT {rule}"] if rule else [])):
        hosts.net.run("lb1", "iptables-nft", *line.split())
    assert arrives(hosts) is passes
    answer = hosts.doctor("lb1")
    assert ("vrrp-blocked" not in {one["id"] for one in answer["findings"]}) is passes
    assert answer["unseen"] == []
    if not passes:
        (finding,) = (one for one in answer["findings"] if one["id"] == "vrrp-blocked")
        assert finding["mend"].startswith("iptables-nft -t filter -I INPUT -p vrrp -j ACCEPT")
        hosts.mend("lb1", finding)
        assert arrives(hosts)


def test_what_cannot_be_told_is_said(hosts: Ward) -> None:
    """A limit may or may not be reached; without root's rights no rule is seen."""
    load(hosts, "ip protocol vrrp limit rate 5/second accept")
    answer = hosts.doctor("lb1")
    assert any("cannot be told from the rules" in sentence for sentence in answer["unseen"])
    assert "vrrp-blocked" not in {one["id"] for one in answer["findings"]}
    assert "the firewall: for root only" in hosts.doctor("lb1", wrapper=AS_NOBODY)["unseen"]


def test_a_mark_that_nobody_sets(hosts: Ward) -> None:
    """The service would get no packet; the given command, with address and port filled in, sees to it."""
    hosts.write(
        NAT.replace("address: 10.99.0.100, port: 80", "fwmark: 7, family: ipv4").replace(
            "tcp}", "tcp, port: 80}"
        )
    )
    finding = hosts.found("lb1")["mark-unset", "www"]
    assert finding["evidence"] == "no rule of the firewall sets mark 7"
    mend = finding["mend"].replace("ADDRESS", "10.99.0.100", 1).replace("PORT", "80", 1)
    hosts.net.run("lb1", "sh", "-ec", mend)
    assert ("mark-unset", "www") not in hosts.found("lb1")
    hosts.net.run("lb1", "nft", "flush", "ruleset")
    rule = ("-A", "PREROUTING", "-d", "10.99.0.100", "-j", "MARK", "--set-mark", "7")
    hosts.net.run("lb1", "iptables-nft", "-t", "mangle", *rule)
    assert ("mark-unset", "www") not in hosts.found("lb1")
