"""What fuzzing and the search for unbounded growth found: each finding stays found."""

import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest

from failover import ways, wire
from failover.host import Host
from failover.neighbours import MOST, hear
from failover.peer.actions import HandoverAsked, Send
from failover.peer.handover import MOST_TAKING, Handovers, Message, Step, decode_message
from failover.peer.latest import MAX_VALUE
from failover.peer.packet import Kind
from failover.peer.standing import MOST_ROUTERS, Standing, decode_standing, encode_standing
from failover.spec import Standby
from failover.ways import RouteSpec, Way
from hactl.control.commands import EventQuery
from hactl.ipvs import netlink
from hactl.ipvs.spec import Forward, ServerSpec, ServiceSpec
from hactl.ipvs.wire import Malformed, decode_service
from hactl.peers.peers import Peers, Word, word
from hactl.processes.ipc import Link
from hactl.processes.messages import FromHealth, Outcomes
from hactl.services.balancer import Balancer
from hactl.wishes import overrides
from hactl.wishes.mastership import MOST as MOST_HOLDS
from hactl.wishes.mastership import Aside, Hold, Mastership
from hactl.wishes.overrides import MAX_REASON, Admin, Override, Overrides, Wish
from hactl.wishes.scopes import OverrideError, Scope
from health.dialogue import Kit
from health.result import DETAIL_LIMIT, End, Health, Outcome, Reason, Repeats, Result
from health.spec import CheckSpec, HttpProbe
from health.wire import http
from support.config import MINIMAL, config_of
from support.peers import Net, view

NOT_UTF8 = b"\xa1\xff"
"""A msgpack string of one byte that is no text: msgspec raises UnicodeDecodeError, which is none of its own errors."""


def override(revision: int, server: str = "rs1", **changes: Any) -> Override:
    """A drain."""
    return msgspec.structs.replace(
        Override(server=server, admin=Admin.DRAIN, at=1.0, revision=revision), **changes
    )


def test_text_that_is_none_is_a_bad_body() -> None:
    """In a handover's word, a standing, a supervisor's word, and a kept file."""
    assert decode_message(b"\x93\x01\x01" + NOT_UTF8) is None
    assert decode_standing(b"\x92\xc2\x91\x93" + NOT_UTF8) is None
    assert Peers().on_payload("lb2", b"\x81\xa6config" + NOT_UTF8, "ours") == (None, None)
    with pytest.raises(ValueError, match="not a file of overrides"):
        overrides.decode(b'{"schema": 1, "revision": 1, "overrides": [{"server": "\xff"}]}')


def test_text_that_is_none_from_a_peer_is_counted() -> None:
    """Behind a right MAC as well: the exchange counts it and goes on."""
    net = Net()
    net.run(1.0)
    sender, receiver = net["a"].exchange, net["b"].exchange
    for kind in (Kind.HANDOVER, Kind.BEAT):
        send = sender._voice.say(0, kind, b"\x93\x01\x01" + NOT_UTF8, net.now)
        assert isinstance(send, Send)
        receiver.receive(0, send.datagram, net.now)
    assert receiver.drops["bad_body"] == 2


def test_text_that_is_none_from_a_worker_ends_its_link() -> None:
    """With a reason, as other words that are not understood do."""
    told: list[object] = []
    link: Link[FromHealth] = Link(FromHealth, told.append)
    body = b"\x83\xa4type\xa4Note\xa5level\xa4info\xa4text" + NOT_UTF8
    link.data_received(len(body).to_bytes(4, "big") + body)
    assert told == []
    reasons: list[str] = []
    link.on_lost = reasons.append
    link.connection_lost(None)
    assert reasons[0].startswith("not understood: ")


def test_invented_sources_do_not_grow_what_is_remembered() -> None:
    """Any host on the link can send adverts from any address; the latest are kept."""
    neighbours: dict[str, float] = {}
    for number in range(10 * MOST):
        hear(neighbours, f"10.0.0.{number}", float(number))
        hear(neighbours, "10.9.9.9", float(number))
    assert len(neighbours) == MOST
    assert {"10.9.9.9", f"10.0.0.{10 * MOST - 1}"} < neighbours.keys()


def test_a_peer_cannot_ask_for_ever_more_routers() -> None:
    """What it asks beyond the bound is not answered; what it asked before goes on."""
    taker = Handovers()
    for number in range(MOST_TAKING):
        assert taker.receive(Message(Step.ASK, number + 1, f"r{number}"), 0.0)
    assert taker.receive(Message(Step.ASK, 1, "one more"), 0.0) == []
    assert taker.receive(Message(Step.ASK, MOST_TAKING + 1, "r0"), 0.0) == [HandoverAsked("r0")]
    assert decode_message(msgspec.msgpack.encode((1, 1, "r" * 65))) is None


def test_a_standing_is_bounded() -> None:
    """Each router in it can be a line in the log."""
    assert decode_standing(encode_standing(Standing(False, (view(),) * MOST_ROUTERS)))
    assert decode_standing(encode_standing(Standing(False, (view(),) * (MOST_ROUTERS + 1)))) is None


@pytest.mark.parametrize(
    "bad",
    [
        override(2**63),
        override(9),  # Later than the word's own revision.
        override(1, admin=None, weight=-1),
        override(1, admin=None, weight=65536),
        override(1, until=float("nan")),
        override(1, at=float("inf")),
        override(1, reason="\x1b[2J"),
        override(1, reason="r" * (MAX_REASON + 1)),
        override(1, server="s" * 65),
    ],
    ids=str,
)
def test_an_override_that_no_operator_can_set_is_refused(bad: Override) -> None:
    """A peer's word is taken as a whole or not at all, and what is refused is counted."""
    peers = Peers()
    data = msgspec.msgpack.encode(Word(config="c", revision=5, overrides=(bad,)))
    assert peers.on_payload("lb2", data, "c") == (None, None)
    assert peers.refused["lb2"] == 1


def test_the_highest_revision_of_a_peer_leaves_room() -> None:
    """An operator can still say something afterwards, and it can be kept and shared."""
    data = word("c", Overrides((), 2**53))
    heard, _ = Peers().on_payload("lb2", data, "c")
    assert heard is not None
    merged = Overrides((override(1),), 1).merged(heard.overrides, heard.revision)
    later = merged.with_wish(Wish(scope=Scope("rs1"), admin=Admin.ENABLED), (), 2.0)
    assert overrides.decode(overrides.encode(later)) == later
    assert word("c", later)


def test_overrides_are_bounded_and_fit_into_one_word() -> None:
    """A word that is too long would end the failover worker: reasons are left out, and there are MOST at most."""
    long: dict[str, Any] = {
        "service": "w" * 64,
        "by": "u" * 64,
        "reason": "\u20ac" * MAX_REASON,
        "until": 1e9,
    }
    many = tuple(override(n, f"{n:064}", **long) for n in range(1, 2 * overrides.MOST))
    holds = tuple(
        Hold(router=f"{n:064}", master="10.77.0.11", until=1e9, by="u" * 64, at=1e9, revision=n)
        for n in range(2 * MOST_HOLDS)
    )
    masters = Mastership().merged(Mastership(holds, revision=2 * MOST_HOLDS))
    assert len(masters.holds) == MOST_HOLDS
    full = Overrides().merged(many, len(many))
    assert len(full.records) == overrides.MOST
    assert full.records[-1] == many[-1]
    data = word("c" * 64, full, masters)
    assert len(data) <= MAX_VALUE
    heard, _ = Peers().on_payload("lb2", data, "c")
    assert heard is not None
    assert heard.mastership == masters
    assert Overrides().merged(heard.overrides, heard.revision).merged(full.records, full.revision) == full
    server = ServerSpec(name="rs1", address="10.77.0.21", port=80, forward=Forward.DR)
    services = (ServiceSpec(name="www", forward=Forward.DR, servers=(server,)),)
    with pytest.raises(OverrideError, match="overrides already"):
        full.with_wish(Wish(scope=Scope("rs1"), admin=Admin.DRAIN), services, 2.0)


def test_a_word_is_short_whatever_is_in_it() -> None:
    """A peer of ours cannot make us say more than the channel carries, which would end the failover worker."""
    wide = "\U0001f600" * 64
    every = tuple(override(n, wide, by=wide, service=wide) for n in range(1, overrides.MOST))
    aside = tuple(Aside(director=wide, standby=Standby.OFF, by=wide, at=1e9, revision=n) for n in range(3000))
    data = word("c", Overrides(every, 9), Mastership(asides=aside, revision=9))
    assert len(data) <= MAX_VALUE


@pytest.mark.parametrize(
    "change", [{"until": float("inf")}, {"at": float("nan")}, {"by": "u" * 65}, {"revision": 6}], ids=str
)
def test_a_hold_that_no_operator_can_set_is_refused(change: dict[str, Any]) -> None:
    """It would be kept, shared and never end."""
    hold = msgspec.structs.replace(
        Hold(router="web", master="10.77.0.11", until=9.0, at=1.0, revision=1), **change
    )
    peers = Peers()
    data = msgspec.msgpack.encode(
        Word(config="c", revision=5, overrides=(), mastership=Mastership((hold,), revision=5))
    )
    assert peers.on_payload("lb2", data, "c") == (None, None)


def test_drift_is_remembered_once_a_peer() -> None:
    """A peer that changes its configuration all day costs no memory."""
    peers = Peers()
    for number in range(100):
        peers.on_payload("lb2", word(str(number), Overrides()), "ours")
    assert len(peers._drifted) == 1


@pytest.mark.parametrize("row", [2**63, 2**64, 10**40])
def test_a_row_beyond_what_the_history_can_count_is_refused(row: int) -> None:
    """SQLite's numbers end there, and with them the worker that asked."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"after": str(row)}, type=EventQuery, strict=False)


def test_flags_of_an_address_in_another_size_are_passed_over() -> None:
    """An attribute that is not as expected is no reason to fail over."""
    body = struct.pack("=BBBBI", 2, 32, 0, 0, 3) + netlink.attribute(8, b"\1\2")
    (address,) = wire.read(struct.pack("=IHHII", 16 + len(body), wire.NEWADDR, 0, 1, 0) + body)
    assert isinstance(address, wire.Address)
    assert not address.tentative


def test_numbers_of_a_route_in_another_size_are_passed_over() -> None:
    """The same for its table, for then the header's counts."""
    route = ways.put(1, Way(RouteSpec(to="10.50.0.0/16", table=200)))
    whole, halved = struct.pack("=HHI", 8, 15, 200), struct.pack("=HHHxx", 6, 15, 7)
    assert whole in route
    (removal,) = ways.strays(route.replace(whole, halved), ())
    assert removal[0] == ways.NEWROUTE + 1
    assert (
        list(ways.strays(route.replace(whole, halved), (Way(RouteSpec(to="10.50.0.0/16", table=200)),))) == []
    )


def test_a_service_with_a_mark_of_zero_is_malformed() -> None:
    """It would be a service with neither a mark nor an address, which nothing can name again."""
    nest = netlink.nested(1, netlink.u16(1, 2), netlink.u32(5, 0))
    assert isinstance(decode_service(bytes(4) + nest), Malformed)


def test_addresses_that_are_gone_are_forgotten() -> None:
    """Also one that was never there."""
    host = Host()
    for number in range(100):
        for gone in (False, True, True):
            host.apply(wire.Address(3, 10, bytes((number,)) * 16, 64, False, False, gone))
    assert not host._addresses


def test_a_server_cannot_fill_or_colour_the_log() -> None:
    """It names another host in a redirect: as long as a header may be, with the codes that clear a terminal."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://" + b"h\x9b2J" * 10_000 + b"/\r\n\r\n"
    check = CheckSpec(address="10.77.0.21", port=80, probe=HttpProbe(redirects=1))
    kit = Kit("hactl", "lb1", lambda pattern, data: False, bytes, lambda path: None)
    plan = http.plan(check, HttpProbe(redirects=1), kit)
    assert plan.dialogue is not None
    dialogue = plan.dialogue()
    dialogue.begin()
    end = dialogue.receive(moved)
    assert isinstance(end, End)
    result = end.result(0.1)
    assert len(result.detail) <= DETAIL_LIMIT
    assert result.detail.isprintable()
    assert result.detail.startswith("redirects to another host, h")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(result), type=Result) == result


@pytest.mark.parametrize("at", [float("inf"), float("nan"), -1.0])
def test_a_turned_worker_cannot_say_times_that_no_status_can_show(at: float) -> None:
    """Its link ends with the reason, and a new worker is started."""
    outcome = Outcome(check="c", health=Health.UP, result=Result(reason=Reason.OK), at=at)
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(Outcomes((outcome,))), type=FromHealth)


def test_a_turned_worker_cannot_fill_the_supervisor(tmp_path: Path) -> None:
    """What it says of checks that nobody asked for is passed over."""
    config = config_of(f"{MINIMAL}state_dir: {tmp_path}\n")
    balancer = Balancer(config, Overrides(), lambda occurrence: None, lambda state, unserved: None, None)
    known = config.checks[0].id
    for check in ("made-up-1", "made-up-2", known):
        outcome = Outcome(check=check, health=Health.UP, result=Result(reason=Reason.OK), at=1.0)
        balancer.learn([outcome])
        balancer.repeat(Repeats((check,), (2.0,), (0.5,)))
    assert set(balancer.outcomes) == {known}
