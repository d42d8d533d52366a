"""Valid inputs for each target: where both kinds of fuzzing begin."""

import hashlib
import struct

import msgspec
from fuzz.decoders import GROUPS, SOURCES, TRAILER_KEYS

from failover import arp, ndp, ways
from failover.packet import Advert, encode
from failover.peer import handover, latest, standing
from failover.peer.exchange import Beat
from failover.peer.latest import Piece, Receipt, Slot
from failover.peer.packet import MAX_BODY, Kind
from failover.peer.standing import Standing
from failover.spec import Standby
from failover.trailer import seal, sequence_at
from failover.ways import RouteSpec, RuleSpec, Way
from failover.wire import NEWADDR, NEWLINK, put_address
from hactl.ipvs import netlink, ownership, wire
from hactl.ipvs.model import DestinationKey, Persistence, RealServer, ServiceKey, Tunnel, VirtualService
from hactl.ipvs.ops import AddServer, AddService, Op
from hactl.ipvs.spec import Forward, Protocol, TunnelType
from hactl.peers.peers import word
from hactl.problems import acks, problems
from hactl.problems.acks import Acks
from hactl.problems.problems import Problem, Problems
from hactl.processes.messages import AllowPrograms, Note, NoteLevel
from hactl.processes.messages import Beat as Heartbeat
from hactl.wishes import mastership, overrides
from hactl.wishes.mastership import Mastership
from hactl.wishes.overrides import Admin, Override, Overrides
from hactl.workers.programs import Ended, Run
from notify.event import EventKind, Severity
from notify.problem import Topic
from support.failover import packed
from support.peers import view

_OVERRIDES = Overrides(
    (
        Override(server="rs1", admin=Admin.DRAIN, at=1.0, revision=1, by="root", reason="new disk"),
        Override(server="rs1", service="www", weight=7, at=2.0, revision=2, until=9e9),
        Override(server="rs2", admin=Admin.ENABLED, at=3.0, revision=3),
    ),
    3,
)

_MASTERS = (
    Mastership()
    .with_holds({"web": "10.77.0.11", "inside": "2001:db8::1"}, 2_000_000_000.0, "root", 1.0)
    .with_standby("lb1", Standby.SOFT, "root", 2.0)
)
_ACKS = (
    Acks().with_words(["rs1", "*"], "alice", "known", 1.0).with_words(["rs1"], "bob", "", 2.0, withdrawn=True)
)
_PROBLEMS = Problems(
    Problem(topic=topic, subject="rs1@www", kind=EventKind.SERVER_DOWN, severity=Severity.WARNING, since=1.0)
    for topic in Topic
)


def seeds(target: str) -> tuple[bytes, ...]:
    """The seeds of a target by its name."""
    return _SEEDS[target]()


def _adverts() -> tuple[bytes, ...]:
    found = []
    for how, version, size in ((0, 3, 4), (1, 3, 16), (2, 2, 4), (6, 3, 4)):
        vips = (SOURCES[size], GROUPS[size])
        one = Advert(version=version, vrid=51, priority=100, interval=1.0, addresses=vips)
        found.append(bytes((how,)) + encode(one, SOURCES[size], GROUPS[size]))
    secret = Advert(
        version=2, vrid=51, priority=0, interval=1.0, addresses=(SOURCES[4],), password=b"secret\0\0"
    )
    return (*found, b"\0" + encode(secret, SOURCES[4], GROUPS[4]))


def _trailers() -> tuple[bytes, ...]:
    plain = [(seed[0] & 1, seed[1:]) for seed in _adverts()[:2]]
    sequence = sequence_at(1_800_000_000.5)
    whole = (
        seal(message, SOURCES[16 if six else 4], GROUPS[16 if six else 4], TRAILER_KEYS.sending, sequence)
        for six, message in plain
    )
    made = (bytes((2 | six,)) + sequence.to_bytes(8, "big") + message for six, message in plain)
    return (*(bytes((six,)) + one for (six, _), one in zip(plain, whole, strict=True)), *made)


def _key_files() -> tuple[bytes, ...]:
    trailer = b"# ours\n1 " + b"k" * 32 + b"\n255 hex:" + b"0f" * 64
    channel = b"a key of more than sixteen characters\n# old\nanother of those keys\n"
    return b"password", channel, trailer, b"1 short", b"1 hex:0"


def _adverts_for_the_dead() -> tuple[bytes, ...]:
    """In the clear, with each kind of protection; a trailer is made where the second number asks for it."""
    found = [
        bytes((seed[0], seed[1] >> 4 == 2, guard)) + seed[1:] for seed in _adverts() for guard in (0, 2, 3)
    ]
    sequence = sequence_at(1_800_000_000.0).to_bytes(8, "big")
    return (*found, b"\x08\0\4" + sequence + _adverts()[0][1:])


def _frames() -> tuple[bytes, ...]:
    """ARP requests, replies and probes, neighbour solicitations and advertisements."""
    mac, vip4, vip6 = b"\2\0\0\0\0\2", packed("10.99.0.100"), packed("2001:db8::100")
    request, reply = arp.gratuitous(vip4, mac)
    probe = request[:28] + bytes(4) + request[32:]
    told = ndp.unsolicited(vip6, mac)
    asked = told[:22] + bytes(16) + told[38:54] + b"\x87\0\0\0" + bytes(4) + vip6
    return request, reply, probe, told, asked


def _ip() -> tuple[bytes, ...]:
    message = _adverts()[0][1:]
    ends = SOURCES[4] + GROUPS[4]
    plain = struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(message), 7, 0, 255, 112, 0) + ends + message
    options = (
        struct.pack("!BBHHHBBH", 0x46, 0, 24 + len(message), 7, 0, 255, 112, 0) + ends + b"\1\1\1\0" + message
    )
    return plain, options + bytes(20)


def _rtnetlink() -> tuple[bytes, ...]:
    attributes = netlink.attribute(3, b"eth0\0") + netlink.attribute(1, bytes(6))
    link = struct.pack("=BxHiII", 0, 1, 3, 0x10001, 0) + attributes
    head = struct.pack("=IHHII", 16 + len(link), NEWLINK, 0, 1, 0)
    found = []
    for address in ("10.99.0.100", "2001:db8::100"):
        request = put_address(1, 3, packed(address), 32, 5, "eth0:web")
        found.append(request[:4] + struct.pack("=H", NEWADDR) + request[6:])
        found.append(request[:4] + struct.pack("=H", NEWADDR + 1) + request[6:])
    error = struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -17)
    found += [
        ways.put(1, way)
        for way in (
            Way(RouteSpec(to="10.51.0.0/16", interface="eth0"), 3),
            Way(RuleSpec(priority=501, table=7)),
        )
    ]
    return head + link, *found, error, head + link + found[0] + error


def _neighbours() -> tuple[bytes, ...]:
    found = []
    for address in (b"\x0a\x63\0\x09", bytes.fromhex("fd00") + bytes(13) + b"\x09"):
        body = struct.pack("=BBHiHBB", 2, 0, 0, 3, 0x20, 0, 1) + netlink.attribute(1, address)
        found.append(struct.pack("=IHHII", 16 + len(body), 28, 0, 0, 0) + body)
    return *found, b"".join(found)


def _datagrams() -> tuple[bytes, ...]:
    numbers = bytes(range(32)) + (1).to_bytes(8, "big") + (0).to_bytes(8, "big")
    return tuple(b"\1" + bytes((kind,)) + numbers + b"body" for kind in Kind)


def _bodies() -> tuple[bytes, ...]:
    receipts = (Receipt(0, 3), Receipt(1, 9, b"\5"))
    return (
        msgspec.msgpack.encode(Beat(True, receipts)),
        latest.encode_piece(Piece(Slot.PAYLOAD, True, 7, 0, 1, b"value")),
        latest.encode_piece(Piece(Slot.STANDING, False, 7, 1, 3, bytes(latest.PIECE))),
        handover.encode_message(handover.Message(handover.Step.ASK, 1, "web")),
        handover.encode_message(handover.Message(handover.Step.REFUSE, 2, "web", "why")),
        standing.encode_standing(Standing(True, (view(), view("inside", link_gone=True)))),
    )


def _words() -> tuple[bytes, ...]:
    return word("ab" * 32, Overrides()), word("ab" * 32, _OVERRIDES, _MASTERS, _ACKS)


def _ipvs() -> tuple[bytes, ...]:
    four = ServiceKey(protocol=Protocol.TCP, address="10.77.0.100", port=80)
    six = ServiceKey(family="ipv6", protocol=Protocol.UDP, address="2001:db8::100", port=53)
    marked = ServiceKey(fwmark=7)
    tunnel = Tunnel(type=TunnelType.GUE, port=6080)
    ops: list[Op] = [
        AddService(
            VirtualService(key=four, scheduler="wlc", persistence=Persistence(timeout=300, netmask=24))
        ),
        AddService(VirtualService(key=six, scheduler="mh", engine="sip")),
        AddService(VirtualService(key=marked, scheduler="rr", one_packet=True)),
        AddServer(four, RealServer(key=DestinationKey("10.77.0.21", 80), forward=Forward.DR, weight=1)),
        AddServer(
            six,
            RealServer(key=DestinationKey("2001:db8::21", 53), forward=Forward.TUN, weight=1, tunnel=tunnel),
        ),
    ]
    found = [
        netlink.request(26, 0, 1, body.command, body.attributes) for op in ops for body in wire.encode(op)
    ]
    error = struct.pack("=IHHIIi", 44, 2, 0x200, 1, 0, -17) + bytes(16) + netlink.text(1, "no such server")
    done = struct.pack("=IHHIIi", 20, 3, 0, 1, 0, 0)
    return *found, error[:4] + error[4:], done, b"".join(found) + done


def _framed(*messages: msgspec.Struct) -> bytes:
    bodies = [msgspec.msgpack.encode(message) for message in messages]
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def _streams() -> tuple[bytes, ...]:
    stream = _framed(Heartbeat(1.0), Note(NoteLevel.INFO, "text", {"why": "because"}))
    programs = (
        Run(1, ("/bin/true", "-v"), "nobody", {"HACTL_PORT": "80"}, b"in", 1.0),
        Ended(1, "exit status 2", None, 2, b"out"),
        AllowPrograms(((("/bin/true", "-v"), "nobody"),)),
    )
    helpers = (bytes((4 + at, 0xFF)) + _framed(one) for at, one in enumerate(programs))
    return stream, b"\1\xff" + stream, b"\3\x40" + stream, *helpers


def _http() -> tuple[bytes, ...]:
    length = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    moved = b"HTTP/1.1 302 Found\r\nLocation: /there?a=b\r\nContent-Length: 0\r\n\r\n"
    early = b"HTTP/1.1 100 Continue\r\n\r\n" + length
    answers = length, chunked, moved, early
    return tuple(
        bytes((probe, 1))
        + len(answer).to_bytes(2, "big")
        + answer
        + b"\1"
        + len(length).to_bytes(2, "big")
        + length
        for probe in range(5)
        for answer in answers
    )


def _ssh() -> tuple[bytes, ...]:
    return b"\0SSH-2.0-OpenSSH_9.2p1 Debian\r\n" + bytes(34), b"\1\0\x18a line before\r\nSSH-1.99-x\n"


def _tcp() -> tuple[bytes, ...]:
    return tuple(bytes((probe, 1)) + b"\0\x0b220 it is ok" for probe in range(3))


_MYSQL = b"I\0\0\0\x0a8.0\0" + bytes(13) + b"\x8f\xaa-\2\0\x08\0\x15" + bytes(10) + b"s" * 12 + b"\0"
_MYSQL += b"mysql_native_password\0"
_MYSQL = bytes((len(_MYSQL) - 4,)) + _MYSQL[1:]


_SIP = b"SIP/2.0 200 OK\r\nVia: x;branch=" + b"0" * 32 + b"\r\nCall-ID: " + b"0" * 32 + b"\r\n\r\n"


def _ldap(number: int, operation: int) -> bytes:
    """A result of success."""
    return bytes((0x30, 12, 2, 1, number, operation, 7, 10, 1, 0, 4, 0, 4, 0))


def _talk() -> tuple[bytes, ...]:
    """Each exchange in pieces as they come; DNS over TCP with its length first, as our id is zero here."""
    roots = _dns_answer(b"\0", 6, b"\0\0" + bytes(20))
    names = _dns_answer(_NAME, 15, b"\0\x0a\1b\0")
    exchanges: tuple[tuple[bytes, ...], ...] = (
        (b"220 x\r\n250-x\r\n250 STARTTLS\r\n221 bye\r\n",),
        (b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n", b"250 x\r\n221 bye\r\n"),
        (b"220 x\r\n234 go\r\n", b"331 x\r\n230 x\r\n221 bye\r\n"),
        (b"* OK x\r\na OK go\r\n", b"* x\r\nb OK x\r\n* BYE x\r\n"),
        (b"+OK\r\n+OK\r\n", b"+OK\r\n+OK\r\n+OK\r\n"),
        (b"200 x\r\n205 x\r\n",),
        (b"+OK\r\n+PONG\r\n",),
        (_SIP,),
        (
            bytes.fromhex(
                "000000040000000000000001010400000001880000070000000000010000000002080100000f01050000000100"
            )
            + b"\x0bgrpc-status\x010",
        ),
        (_ldap(1, 0x78), _ldap(2, 0x61)),
        (_ldap(2, 0x61) + bytes.fromhex("300d0201036408040464633d783000") + _ldap(3, 0x65),),
        (_MYSQL + b"\7\0\0\2\0\0\0\2\0\0\0\1\0\0\1\1",),
        (_MYSQL, b"\7\0\0\3\0\0\0\2\0\0\0"),
        (b"R\0\0\0\x08\0\0\0\3R\0\0\0\x08\0\0\0\0Z\0\0\0\5IC\0\0\0\5\0Z\0\0\0\5I",),
        (b"S", b"R\0\0\0\x08\0\0\0\x0a"),
        (b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n",),
        (len(roots).to_bytes(2, "big") + roots,),
        (len(names).to_bytes(2, "big") + names,),
        (b"up 75% drain #why\n",),
    )
    return tuple(bytes((at,)) + b"".join(map(_piece, each)) for at, each in enumerate(exchanges))


def _answers() -> tuple[bytes, ...]:
    text = _dns_answer(_NAME, 16, b"\2ok")
    truncated = text[:2] + b"\x82" + text[3:]
    clock = b"\x24\2" + bytes(46)
    accept = b"\2\0\0\x14" + hashlib.md5(b"\2\0\0\x14" + bytes(16) + b"secret").digest()
    roots = _dns_answer(b"\0", 6, b"\0\0" + bytes(20))
    bare = b"it is ok", b"ok", clock, _SIP, accept, roots, text, truncated
    return tuple(bytes((min(at, 6),)) + len(each).to_bytes(2, "big") + each for at, each in enumerate(bare))


_NAME = b"\1a\7example\3org\0"


def _dns_answer(name: bytes, record: int, content: bytes) -> bytes:
    """An answer with one record to a query with id 0."""
    asked = record.to_bytes(2, "big") + b"\0\1"
    header = b"\0\0\x80\0\0\1\0\1\0\0\0\0"
    return header + name + asked + b"\xc0\x0c" + asked + bytes(4) + len(content).to_bytes(2, "big") + content


def _piece(data: bytes) -> bytes:
    return b"\1" + len(data).to_bytes(2, "big") + data


def _outputs() -> tuple[bytes, ...]:
    return (
        b"\0OK - 3 GB free|/=2643MB;5948;5958;0;5968 'a b'=5%\nmore\nyet more|time=0.01s\n",
        b"\1" + b"10.77.0.21\n\n10.77.0.21: refused\n",
    )


def _echoes() -> tuple[bytes, ...]:
    body = b"\0\0\x12\x34\0\1" + bytes(range(16))
    return b"\0" + b"\0\0" + body, b"\1" + b"\x81\0" + body, b"\2" + b"\x45" + bytes(19) + b"\0\0" + body


def _control() -> tuple[bytes, ...]:
    return (
        b'{"action": "weight", "server": "rs1", "service": "www", "weight": 3, "for_seconds": 60, "reason": "why"}',
        b'{"router": "web", "hold_seconds": 10.5}',
        b'{"path": "/etc/hactl/hactl.yaml", "force": true}',
        b'{"hard": true}',
        b'{"channel": "ops"}',
        b"since=1.5&after=7&limit=10&last=true&wait=1",
        b"{}",
    )


def _sequences() -> tuple[bytes, ...]:
    """For the paths every sequence is one; these reach the several kinds of step."""
    heard = bytes.fromhex("000006010164000100")
    waited, taken = bytes.fromhex("060190"), bytes.fromhex("090000")
    quiet = bytes.fromhex("060fa0")
    some = (heard * 3 + waited) * 2, quiet + taken + heard * 2, quiet + taken + waited + heard + quiet
    orders = b"".join(bytes((9, value, kind)) for kind in range(12) for value in (1, 2))
    return tuple(
        bytes((router, group)) + steps for router in range(8) for group in (0, 1) for steps in (*some, orders)
    )


def _peer_sequences() -> tuple[bytes, ...]:
    greet = _said(Kind.HELLO, 1, b"", offer=True)
    bodies = b"".join(
        _said(kind, 10 * number + kind, (b"\0" if kind is Kind.PIECE else b"") + _sized(body))
        for number, body in enumerate(_bodies())
        for kind in (Kind.BEAT, Kind.PIECE, Kind.HANDOVER)
    )
    steps = (handover.Step.ASK, handover.Step.DONE, handover.Step.ASK, handover.Step.TAKE_BACK)
    asked = [_said(Kind.HANDOVER, 100 + n, _sized(_word(step, 1 + n // 2))) for n, step in enumerate(steps)]
    answers = [_said(Kind.HANDOVER, 120 + n, _sized(_word(step, 1))) for n, step in enumerate((2, 2, 3))]
    value = standing.encode_standing(Standing(False, (view(), view("inside", link_gone=True))))
    stands = [
        _said(Kind.PIECE, 140 + n, bytes((1, slot, 0, n)) + _sized(value)) for n, slot in ((1, 0), (2, 1))
    ]
    own = [bytes((14, case)) + b"\0\4data" * (case == 1) for case in range(8)]
    goodbye, wait = _said(Kind.GOODBYE, 200, b"\0\0"), bytes((11, 3, 0xE8))
    return (
        greet + bodies + wait,
        greet + asked[0] + own[3] + asked[1] + asked[2] + own[4] + asked[3] + wait,
        greet + own[2] + answers[0] + own[5] + answers[1] + own[2] + answers[2] + own[6] + wait,
        greet + b"".join(stands) + own[0] + own[1] + wait + goodbye + wait,
        b"".join(own) + wait + greet + own[7],
    )


def _word(step: int, number: int) -> bytes:
    return handover.encode_message(handover.Message(handover.Step(step), number, "web", "why"))


def _sized(data: bytes) -> bytes:
    return len(data[:MAX_BODY]).to_bytes(2, "big") + data[:MAX_BODY]


def _said(kind: Kind, counter: int, body: bytes, *, offer: bool = False) -> bytes:
    """A step of `paths.peer_channel`: a packet of the session, or with an `offer` of the one that begins with it."""
    return (
        bytes((1, 0, kind - 1 + (10 if offer else 0)))
        + counter.to_bytes(2, "big")
        + b"\0"
        + (body or b"\0\0")
        + b"\0"
    )


_SEEDS = {
    "advert": lambda: (*_adverts(), *(bytes((seed[0] & 1,)) + seed[1:] for seed in _trailers()[:2])),
    "trailer": _trailers,
    "key_files": _key_files,
    "ip_header": _ip,
    "rtnetlink_events": _rtnetlink,
    "neighbour_events": _neighbours,
    "peer_datagram": _datagrams,
    "peer_body": _bodies,
    "peer_word": _words,
    "kept_files": lambda: (
        overrides.encode(_OVERRIDES),
        overrides.encode(Overrides()),
        mastership.encode(_MASTERS),
        acks.encode(_ACKS),
        problems.encode(_PROBLEMS),
        ownership.encode(frozenset((ServiceKey(protocol=Protocol.TCP, address="10.77.0.100", port=80),))),
        b'{"schema": 1, "indexes": {"master": 7}}',
        b'{"boot": "a", "made": ["tunl0"]}',
    ),
    "ipvs_answers": _ipvs,
    "http_answer": _http,
    "ssh_answer": _ssh,
    "tcp_answer": _tcp,
    "talk_answer": _talk,
    "datagram_answer": _answers,
    "program_output": _outputs,
    "echo_reply": _echoes,
    "advert_for_the_dead": _adverts_for_the_dead,
    "link_frame": _frames,
    "worker_stream": _streams,
    "control_request": _control,
    "adverts": _sequences,
    "adverts6": _sequences,
    "peer_channel": _peer_sequences,
}
TARGETS = tuple(_SEEDS)
"""The names of all targets."""
