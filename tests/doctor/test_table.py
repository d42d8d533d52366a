"""The kernel's table as /proc shows it, and who else writes it."""

from hactl.doctor.nat import judge_conversations
from hactl.doctor.table import (
    Conversations,
    Program,
    conversations,
    judge_rivals,
    judge_table,
    services,
)
from hactl.ipvs.model import ServiceKey
from hactl.ipvs.spec import Protocol
from support.doctor import configured

TABLE = """IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A630064:0050 wlc\x20
  -> 0A630003:0050      Masq    1      0          0
UDP  0A630064:0035 rr ops
TCP  [2001:0db8:0000:0000:0000:0000:0000:0100]:0050 rr persistent 300 FFFFFFFF
FWM  00000007 sh
"""
CONNECTIONS = """Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A630004 9C40 0A630064 0050 0A630003 0050 SYN_RECV         58
TCP 0A630004 9C41 0A630064 0050 0A630003 0050 SYN_RECV         58
TCP 0A630004 9C42 0A630064 0050 0A630003 0050 SYN_RECV         58
TCP 0A630004 9C43 0A630064 0050 0A630005 0050 ESTABLISHED     898
UDP 0A630004 9C43 0A630064 0035 0A630005 0035 UDP             298
""".splitlines()
NAT = "www: {address: 10.99.0.100, port: 80, forward: nat, check: none, servers: {rs1: 10.99.0.3, rs2: 10.99.0.5}}"


def test_reading_the_table() -> None:
    """Services of both families and by mark; everything else is passed over."""
    assert services(TABLE) == (
        ServiceKey(protocol=Protocol.TCP, address="10.99.0.100", port=80),
        ServiceKey(protocol=Protocol.UDP, address="10.99.0.100", port=53),
        ServiceKey(family="ipv6", protocol=Protocol.TCP, address="2001:db8::100", port=80),
        ServiceKey(fwmark=7),
    )


def test_services_of_others() -> None:
    """Neither configured nor recorded; the command names it as ipvsadm does."""
    owned = {ServiceKey(family="ipv6", fwmark=7)}
    found = list(judge_table(configured(NAT), services(TABLE), owned))
    assert [(one.subject, one.mend) for one in found] == [
        ("udp 10.99.0.100:53", "ipvsadm -D -u 10.99.0.100:53"),
        ("tcp [2001:db8::100]:80", "ipvsadm -D -t [2001:db8::100]:80"),
    ]


def test_a_mark_may_be_of_either_family() -> None:
    """The list of the kernel has no family of a mark, and ipvsadm finds one of IPv6 with -6 only."""
    (found,) = judge_table(configured(NAT), [ServiceKey(fwmark=7)], ())
    command, _, remark = found.mend.partition("   # ")
    assert command == "ipvsadm -D -f 7"
    assert "-6" in remark


def test_rivals_are_told_once_each() -> None:
    """keepalived has several processes; a program of another name is none."""
    programs = (
        Program("keepalived", 9),
        Program("bash", 1),
        Program("keepalived", 8),
        Program("kube-proxy", 7),
    )
    found = list(judge_rivals(programs, {"eth0", "kube-ipvs0"}))
    assert [(one.subject, one.evidence) for one in found] == [
        ("keepalived", "keepalived runs here (pid 8, 9)"),
        ("kube-proxy", "kube-proxy runs here (pid 7)"),
    ]


def test_servers_that_never_answer() -> None:
    """Three connections wait and none was answered; one that fails its check is another matter."""
    found = conversations(CONNECTIONS)
    assert found == {"10.99.0.3": Conversations(waiting=3), "10.99.0.5": Conversations(answered=1)}
    config = configured(NAT)
    assert [one.subject for one in judge_conversations(config, found, None)] == ["rs1"]
    assert [one.subject for one in judge_conversations(config, found, {"rs1", "rs2"})] == ["rs1"]
    assert list(judge_conversations(config, found, {"rs2"})) == []
    few = {"10.99.0.3": Conversations(waiting=2)}
    assert list(judge_conversations(config, few, None)) == []
    some = {"10.99.0.3": Conversations(waiting=9, answered=1)}
    assert list(judge_conversations(config, some, None)) == []
