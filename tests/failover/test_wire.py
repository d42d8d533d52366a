"""rtnetlink messages: requests judged by pyroute2's decoder, events written by pyroute2's encoder."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from failover import wire
from failover.wire import Address, Answer, Link
from support.failover import packed, read_by_pyroute2

AF_BRIDGE = 7
REQUEST_ACK, REPLACE_CREATE, DUMP = 0x5, 0x500, 0x300
IFA_F_NODAD, IFA_F_NOPREFIXROUTE = 0x02, 0x200


def written_by_pyroute2(message: Any, kind: int, flags: int = 0) -> bytes:
    """The bytes of a message that pyroute2 wrote."""
    message["header"]["type"] = kind
    message["header"]["flags"] = flags
    message.encode()
    return bytes(message.data)


def test_put_ipv4_address() -> None:
    """A VIP is put on as /32 with its lease as lifetime, our mark and its label."""
    message = read_by_pyroute2(ifaddrmsg, wire.put_address(7, 3, packed("10.99.0.100"), 32, 2, "eth0:web"))
    assert message["header"]["type"] == wire.NEWADDR
    assert message["header"]["flags"] == REQUEST_ACK | REPLACE_CREATE
    assert message["header"]["sequence_number"] == 7
    assert (message["family"], message["prefixlen"], message["index"]) == (2, 32, 3)
    assert message.get_attr("IFA_LOCAL") == message.get_attr("IFA_ADDRESS") == "10.99.0.100"
    assert message.get_attr("IFA_LABEL") == "eth0:web"
    assert message.get_attr("IFA_CACHEINFO")["ifa_valid"] == 2
    assert message.get_attr("IFA_CACHEINFO")["ifa_preferred"] == 2
    assert message.get_attr("IFA_PROTO") == wire.OURS


def test_an_address_by_hand_has_a_mark_of_its_own() -> None:
    """It is put and read with another mark than a daemon's, and is ours all the same."""
    request = wire.put_address(7, 3, packed("10.99.0.100"), 32, 2, mark=wire.BY_HAND)
    assert read_by_pyroute2(ifaddrmsg, request).get_attr("IFA_PROTO") == wire.BY_HAND != wire.OURS
    assert list(wire.read(request)) == [
        Address(3, 2, packed("10.99.0.100"), 32, ours=True, tentative=False, by_hand=True)
    ]


def test_put_ipv6_address() -> None:
    """An IPv6 VIP skips duplicate detection, brings no route, and is deprecated so that nothing chooses it as source."""
    message = read_by_pyroute2(ifaddrmsg, wire.put_address(8, 3, packed("2001:db8::100"), 128, 5))
    assert message["family"] == 10
    assert message.get_attr("IFA_FLAGS") == IFA_F_NODAD | IFA_F_NOPREFIXROUTE
    assert message.get_attr("IFA_CACHEINFO")["ifa_valid"] == 5
    assert message.get_attr("IFA_CACHEINFO")["ifa_preferred"] == 0
    assert message.get_attr("IFA_LOCAL") == "2001:db8::100"


def test_lease_off_is_for_ever() -> None:
    """Lifetime 0 means an address that the kernel keeps."""
    message = read_by_pyroute2(ifaddrmsg, wire.put_address(9, 3, packed("10.99.0.100"), 32, 0))
    assert message.get_attr("IFA_CACHEINFO")["ifa_valid"] == wire.FOREVER


def test_delete_address() -> None:
    """A delete names interface, address and prefix, and nothing else."""
    message = read_by_pyroute2(ifaddrmsg, wire.delete_address(10, 3, packed("10.99.0.100"), 32))
    assert message["header"]["type"] == wire.DELADDR
    assert message["header"]["flags"] == REQUEST_ACK
    assert (message["prefixlen"], message["index"], message.get_attr("IFA_LOCAL")) == (32, 3, "10.99.0.100")


@pytest.mark.parametrize(
    ("data", "kind", "number"),
    [(wire.dump_links(1), ifinfmsg, wire.GETLINK), (wire.dump_addresses(1), ifaddrmsg, wire.GETADDR)],
)
def test_dumps(data: bytes, kind: type[Any], number: int) -> None:
    """Both dumps ask for everything."""
    message = read_by_pyroute2(kind, data)
    assert message["header"]["type"] == number
    assert message["header"]["flags"] == 1 | DUMP
    assert message["index"] == 0


def link_message(flags: int) -> ifinfmsg:
    """An interface as the kernel tells of it."""
    message = ifinfmsg()
    message["index"], message["flags"] = 4, flags
    message["attrs"] = [("IFLA_IFNAME", "eth0"), ("IFLA_MTU", 1500), ("IFLA_ADDRESS", "02:00:5e:00:11:22")]
    return message


@pytest.mark.parametrize(
    ("flags", "up"),
    [(0x10041, True), (0x10001, True), (0x01, False), (0x41, False), (0x10000, False), (0x30001, False)],
)
def test_link_event(flags: int, up: bool) -> None:
    """An interface is up when it is set up, has carrier and is not dormant; IFF_RUNNING lags behind."""
    data = written_by_pyroute2(link_message(flags), wire.NEWLINK)
    assert list(wire.read(data)) == [
        Link(4, "eth0", bytes.fromhex("02005e001122"), up, enabled=bool(flags & 1))
    ]


def test_link_removed() -> None:
    """An interface that was removed is gone."""
    data = written_by_pyroute2(link_message(0x10041), wire.DELLINK)
    assert list(wire.read(data)) == [Link(4, "eth0", bytes.fromhex("02005e001122"), True, gone=True)]


@pytest.mark.parametrize("kind", [wire.NEWLINK, wire.DELLINK])
def test_a_bridges_word_of_its_port(kind: int) -> None:
    """A port that joins or leaves a bridge is told of as a link of the bridge's family: the interface itself stays."""
    message = link_message(0x10041)
    message["family"] = AF_BRIDGE
    assert list(wire.read(written_by_pyroute2(message, kind))) == []


def address_message(address: str, **attributes: Any) -> ifaddrmsg:
    """An address as the kernel tells of it."""
    message = ifaddrmsg()
    message["family"] = 10 if ":" in address else 2
    message["prefixlen"], message["index"] = 24, 4
    message["attrs"] = [("IFA_ADDRESS", address), *attributes.items()]
    return message


def test_address_events() -> None:
    """Ours are told by the mark; IPv4's own end counts on point-to-point links; tentative ones are known."""
    ours = address_message("10.99.0.100", IFA_LOCAL="10.99.0.100", IFA_PROTO=wire.OURS)
    theirs = address_message("10.99.0.9", IFA_LOCAL="10.99.0.1", IFA_PROTO=3)
    tentative = address_message("fe80::1", IFA_FLAGS=0x40)
    data = b"".join(written_by_pyroute2(m, wire.NEWADDR) for m in (ours, theirs, tentative))
    assert list(wire.read(data)) == [
        Address(4, 2, packed("10.99.0.100"), 24, ours=True, tentative=False),
        Address(4, 2, packed("10.99.0.1"), 24, ours=False, tentative=False),
        Address(4, 10, packed("fe80::1"), 24, ours=False, tentative=True),
    ]


def test_address_removed() -> None:
    """A removed address is gone."""
    data = written_by_pyroute2(address_message("10.99.0.100", IFA_PROTO=wire.OURS), wire.DELADDR)
    (address,) = wire.read(data)
    assert isinstance(address, Address)
    assert address.gone


@pytest.mark.parametrize(
    ("kind", "flags", "body", "answer"),
    [
        (2, 0, (-17).to_bytes(4, "little", signed=True), Answer(5, 17)),
        (2, 0, bytes(4), Answer(5, 0)),
        (3, 0, bytes(4), Answer(5, 0)),
        (3, 0x10, bytes(4), Answer(5, 0, interrupted=True)),
    ],
)
def test_answers(kind: int, flags: int, body: bytes, answer: Answer) -> None:
    """Acknowledgement, error and end of a dump, which may say that the table changed meanwhile."""
    data = wire._HEADER.pack(16 + len(body), kind, flags, 5, 0) + body
    assert list(wire.read(data)) == [answer]


@given(st.binary(max_size=300))
def test_reading_never_raises(data: bytes) -> None:
    """Any bytes end in values."""
    list(wire.read(data))


@given(kind=st.sampled_from([2, 3, 16, 17, 20, 21]), body=st.binary(max_size=120))
def test_reading_any_body_never_raises(kind: int, body: bytes) -> None:
    """Broken attributes behind a right header end in values, too."""
    list(wire.read(wire._HEADER.pack(16 + len(body), kind, 0, 1, 0) + body))
