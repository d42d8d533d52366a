"""Every decoder as a target: any bytes in, a value or the declared refusal out; whatever else it raises is a finding.

What stands behind a checksum or a MAC is reached by making it right first: a leading byte chooses that.
"""

import contextlib
import hmac
import ipaddress
from collections.abc import Callable
from typing import Any

import msgspec
from fuzz.grain import Grain
from fuzz.probes import PROBES

from failover import ways
from failover import wire as rtnetlink
from failover.host import Host
from failover.ip import Received, read_ipv4
from failover.packet import GROUP4, GROUP6, TRAILER, Advert, Drop, checksum, decode, encode, pseudo_header
from failover.password import LONGEST as LONGEST_PASSWORD
from failover.password import read_password
from failover.peer import handover, latest, standing
from failover.peer import packet as peer_packet
from failover.peer.exchange import Beat
from failover.peer.keys import KeyFileError, read_keys
from failover.trailer import SEQUENCES, Key, is_genuine, read, seal
from failover.trailer_keys import TrailerKeys, read_trailer_keys
from failover.ways import RouteSpec, RuleSpec, Way
from hactl.control import commands, forms
from hactl.control.refusals import RefusedError
from hactl.control.routes import ROUTES
from hactl.ipvs import netlink, ownership
from hactl.ipvs import wire as ipvs
from hactl.ipvs.model import IPV4, IPV6
from hactl.ipvs.ops import DeleteServer, DeleteService
from hactl.peers.peers import Peers, word
from hactl.problems import acks, problems
from hactl.problems.acks import Acks, covering
from hactl.processes.ipc import Framer, Link, LinkError
from hactl.processes.messages import AllowPrograms, FromFailover, FromHealth, FromNotify, ToWorker
from hactl.realserver.model import Record as RealServerRecord
from hactl.routers import synchronising
from hactl.wishes import mastership, overrides
from hactl.wishes.mastership import Mastership
from hactl.wishes.orders import orders
from hactl.wishes.overrides import Overrides
from hactl.workers.programs import Ended, Run
from health.wire import neighbour
from support.peers import ring

KEYS = ring()
TRAILER_KEYS = TrailerKeys(Key(1, b"k" * 32), {1: Key(1, b"k" * 32), 7: Key(7, b"o" * 64)})
ENDS = peer_packet.Ends(b"sender..", b"receiver", b"\x0a\x5a\0\1\x0a\x5a\0\2")
SOURCES = {4: b"\x0a\x63\0\6", 16: bytes.fromhex("fe80") + bytes(13) + b"\6"}
GROUPS = {4: GROUP4, 16: GROUP6}
NOW = 1_800_000_000.0
_WAYS = (
    Way(RouteSpec(to="10.50.0.0/16", interface="eth0", table=1000), 3),
    Way(RuleSpec(priority=500, table=1000, source="10.99.0.100/32")),
)


def sealed_advert(message: bytes, source: bytes, destination: bytes, *, message_only: bool) -> bytes:
    """A VRRP message with its checksum made right."""
    if len(message) < 8:
        return message
    bare = message[:6] + b"\0\0" + message[8:]
    whole = message[0] >> 4 == 2 or message_only
    covered = bare if whole else pseudo_header(source, destination, len(bare)) + bare
    return bare[:6] + checksum(covered).to_bytes(2, "big") + bare[8:]


def advert(data: bytes) -> None:
    """VRRP adverts, v2 and v3, over IPv4 and IPv6."""
    grain = Grain(data)
    how = grain.number()
    source = SOURCES[16 if how & 1 else 4]
    destination = GROUPS[len(source)]
    message = grain.rest()
    if how & 2:
        message = sealed_advert(message, source, destination, message_only=bool(how & 4))
    found = decode(message, source, destination)
    if isinstance(found, Drop):
        assert found.text
        return
    assert all(len(address) == len(source) for address in found.addresses)
    assert found.interval > 0
    again = decode(encode(found, source, destination), source, destination)
    assert isinstance(again, Advert)
    as_heard = {"password": found.password, "coverage": found.coverage, "sealed": found.sealed}
    assert msgspec.structs.replace(again, **as_heard) == found


def trailer(data: bytes) -> None:
    """The keyed trailer behind an advert; half of them with the right MAC."""
    grain = Grain(data)
    how = grain.number()
    source = SOURCES[16 if how & 1 else 4]
    message = grain.rest()
    if how & 2 and len(message) >= 16:
        sequence = int.from_bytes(message[:8], "big")
        message = seal(message[8:], source, GROUPS[len(source)], TRAILER_KEYS.taken[7], sequence)
    else:
        how = 0
    if len(message) < 8 + TRAILER:
        return
    found, genuine = read(message), is_genuine(message, source, TRAILER_KEYS.taken)
    if isinstance(found, Drop):
        assert found.text
        return
    assert 0 <= found.sequence < SEQUENCES
    assert 0 <= found.seconds < 1 << 32
    assert genuine is None or genuine.text
    if how & 2:
        assert genuine is None
        assert is_genuine(message, source, {7: Key(7, b"x" * 32)}) is Drop.BAD_MAC


def key_files(data: bytes) -> None:
    """The files with the trailer's keys, with those of the peer channel and with VRRPv2's password."""
    text = data.decode("utf-8", "replace")
    password = read_password(text, "/f")
    assert "/f" in password if isinstance(password, str) else len(password) == LONGEST_PASSWORD
    with contextlib.suppress(KeyFileError):
        ring = read_keys(text)
        assert ring.taken[ring.sending.id] == ring.sending
    found = read_trailer_keys(text, "/f")
    if isinstance(found, str):
        assert "/f" in found
        return
    assert found.taken[found.sending.id] is found.sending
    assert all(0 <= number < 256 and 32 <= len(key.secret) <= 64 for number, key in found.taken.items())


def ip_header(data: bytes) -> None:
    """The IPv4 header in front of an advert."""
    found = read_ipv4(data)
    if isinstance(found, Received):
        assert len(found.message) <= len(data) - 20
        assert len(found.source) == len(found.destination) == 4
        assert 0 <= found.ttl <= 255


def rtnetlink_events(data: bytes) -> None:
    """The kernel's events on links and addresses, and the picture made of them; its answers about routes and rules."""
    for kind, body in ways.strays(data, _WAYS):
        assert kind in (ways.NEWROUTE + 1, ways.NEWRULE + 1)
        assert len(body) < len(data)
    host = Host()
    for value in rtnetlink.read(data):
        if not isinstance(value, rtnetlink.Answer):
            host.apply(value)
    assert len(host.links) <= len(data) / 32
    assert len(list(host.addresses())) <= len(data) / 24


def neighbour_events(data: bytes) -> None:
    """The kernel's events on neighbours: addresses, canonical, and no more than there is room for."""
    found = neighbour.failed(data)
    assert all(str(ipaddress.ip_address(address)) == address for address in found)
    assert len(found) <= len(data) / 8


def peer_datagram(data: bytes) -> None:
    """Datagrams of the peer channel; half of them with the right MAC."""
    grain = Grain(data)
    how, datagram = grain.number(), grain.rest()
    if how & 1:
        secret = KEYS.sending.secret
        head = b"HACP\x01" + datagram[:1] + KEYS.sending.id + ENDS.sender + ENDS.receiver + datagram[1:]
        datagram = head + hmac.digest(secret, ENDS.addresses + head, "sha256")
    found = peer_packet.decode(datagram, KEYS, ENDS)
    if isinstance(found, peer_packet.Drop):
        assert found.text
        return
    assert peer_packet.encode(found, KEYS.sending, ENDS) == datagram


def peer_body(data: bytes) -> None:
    """What stands in them: pieces, words of a handover, standings, beats."""
    piece = latest.decode_piece(data)
    if piece is not None:
        assert latest.decode_piece(latest.encode_piece(piece)) == piece
        latest.Inbox(piece.slot).take(piece)
    message = handover.decode_message(data)
    if message is not None:
        assert handover.decode_message(handover.encode_message(message)) == message
        handover.Handovers().receive(message, 0.0)
    stands = standing.decode_standing(data)
    if stands is not None:
        assert standing.decode_standing(standing.encode_standing(stands)) == stands
        list(standing.words(standing.Standing(), stands))
    _decoded(data, Beat)


def peer_word(data: bytes) -> None:
    """A supervisor's word to another: configuration and overrides, merged, kept and shared again."""
    peers = Peers()
    heard, _ = peers.on_payload("lb2", data, "ours")
    if heard is None:
        assert peers.refused["lb2"] == 1
        return
    merged = Overrides().merged(heard.overrides, heard.revision)
    assert merged.merged(heard.overrides, heard.revision) == merged
    assert overrides.decode(overrides.encode(merged)) == merged
    masters = Mastership().merged(heard.mastership)
    assert masters.merged(heard.mastership) == masters
    assert mastership.decode(mastership.encode(masters)) == masters
    known = Acks().merged(heard.acks.records, heard.acks.revision)
    assert known.merged(heard.acks.records, heard.acks.revision) == known
    assert acks.decode(acks.encode(known)) == known
    covering(known.by_target(), "rs1@www", NOW)
    assert peers.on_payload("lb2", word(heard.config, merged, masters, known), "ours")[0] is not None
    for order in orders(Mastership(), masters, "lb1", NOW, 1.0):
        msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=ToWorker)
    merged.without_expired(NOW)
    for record in merged.records:
        merged.effective(record.service or "www", record.server)


def kept_files(data: bytes) -> None:
    """The files in the state directory: overrides, wishes about mastership, acknowledgements and problems, what is ours in
    IPVS, what runs there."""
    with contextlib.suppress(ValueError):
        synchronising._decode(data)
    with contextlib.suppress(ValueError):
        msgspec.json.decode(data, type=RealServerRecord)
    with contextlib.suppress(ValueError):
        found_problems = problems.decode(data)
        assert list(problems.decode(problems.encode(found_problems))) == list(found_problems)
    for module in (overrides, mastership, acks, ownership):
        try:
            found = module.decode(data)
        except ValueError:
            continue
        assert module.decode(module.encode(found)) == found


def ipvs_answers(data: bytes) -> None:
    """The kernel's answers about IPVS."""
    try:
        found = list(netlink.messages(data))
    except netlink.WireError:
        return
    for message in found:
        for understand in (netlink.acknowledgement, lambda m: netlink.family_number(m.payload)):
            try:
                understand(message)
            except netlink.WireError:
                continue
        service = ipvs.decode_service(message.payload)
        if isinstance(service, ipvs.ServiceRead):
            ipvs.encode(DeleteService(service.service.key))
        for family in (IPV4, IPV6):
            server = ipvs.decode_server(message.payload, family, sums=True)
            if isinstance(server, ipvs.ServerRead) and isinstance(service, ipvs.ServiceRead):
                ipvs.encode(DeleteServer(service.service.key, server.server))


def worker_stream(data: bytes) -> None:
    """What processes of one director say to each other, in pieces; a worker may have been turned by a probed server."""
    grain = Grain(data)
    kind = grain.choice((FromFailover, FromHealth, FromNotify, ToWorker, Run, Ended, AllowPrograms))
    link: Link[Any] = Link(kind)
    while grain.left:
        link.data_received(grain.take(min(grain.left, 1 + grain.number())))
    _each_frame(data, kind)


def control_request(data: bytes) -> None:
    """Bodies and queries of the control API, as they are taken from whoever may open the socket."""
    for route in ROUTES:
        if route.takes is not None:
            with contextlib.suppress(RefusedError):
                forms.read(data, route.takes)
    text = data.decode("utf-8", "replace")
    query = [part.partition("=")[::2] for part in text.split("&")]
    try:
        found = forms.read_query(query, commands.EventQuery)
    except RefusedError:
        return
    assert found.after < 2**63
    assert 0 <= found.wait <= commands.MAX_WAIT


def _each_frame(data: bytes, kind: Any) -> None:
    try:
        frames = Framer().feed(data)
    except LinkError:
        return
    for frame in frames:
        _decoded(frame, kind)


def _decoded(data: bytes, kind: Any, *, json: bool = False) -> Any:
    """The declared errors of msgspec are those that every caller of it here expects."""
    try:
        return (msgspec.json if json else msgspec.msgpack).decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


DECODERS: tuple[Callable[[bytes], None], ...] = (
    advert,
    trailer,
    key_files,
    ip_header,
    rtnetlink_events,
    neighbour_events,
    peer_datagram,
    peer_body,
    peer_word,
    kept_files,
    ipvs_answers,
    *PROBES,
    worker_stream,
    control_request,
)
