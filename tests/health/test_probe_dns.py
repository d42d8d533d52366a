"""The dns probe against servers on loopback that speak scapy's DNS, a judge that shares no code with ours."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR, DNSRR, DNSRRMX, DNSRRSOA, DNSRRSRV

from health.dialogue import ProbeError
from health.once import Report, run_once
from health.probes.registry import plan
from health.result import Reason
from health.spec import CheckSpec, DnsProbe
from health.wire.dns_message import MessageError, answers, encoded_name
from support.probing import KIT
from support.servers import Talk, answering, flood, free_port, reset, serving, silence

NAME = "www.example.org"


async def probed(port: int, probe: DnsProbe, limit: float = 2.0) -> Report:
    """One probe of this port."""
    return await run_once(CheckSpec(address="127.0.0.1", port=port, probe=probe, timeout=limit), "hactl/test")


def reply(query: DNS, *records: Any, **fields: Any) -> bytes:
    """The answer to a query: the question again, and these records."""
    header = {"id": query.id, "qr": 1, "qd": query.qd, **fields}
    return bytes(DNS(an=list(records), **header))


def server(*records: Any, **fields: Any) -> Callable[[bytes], list[bytes]]:
    """Answers each query with these records."""
    return lambda data: [reply(DNS(data), *records, **fields)]


def over_tcp(*records: Any, pause: float = 0.0, **fields: Any) -> Talk:
    """Answers the first query of each connection with these records, byte by byte with a pause where one is given."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = DNS(await reader.readexactly(int.from_bytes(await reader.readexactly(2))))
        message = reply(query, *records, **fields)
        for byte in len(message).to_bytes(2) + message:
            writer.write(bytes([byte]))
            if pause:
                await asyncio.sleep(pause)
        await writer.drain()
        await reader.read()

    return talk


RECORDS = [
    ("A", "10.77.0.21", DNSRR(rrname=NAME, type="A", rdata="10.77.0.21")),
    ("AAAA", "FD00:0::1", DNSRR(rrname=NAME, type="AAAA", rdata="fd00::1")),
    ("CNAME", "Web.example.org.", DNSRR(rrname=NAME, type="CNAME", rdata="web.example.org")),
    ("NS", "ns1.example.org", DNSRR(rrname=NAME, type="NS", rdata="ns1.example.org")),
    ("MX", "10 mail.example.org.", DNSRRMX(rrname=NAME, preference=10, exchange="mail.example.org")),
    ("SRV", "0 5 443 a.example.org", DNSRRSRV(rrname=NAME, priority=0, weight=5, port=443, target="a.example.org")),
    ("TXT", "v=spf1 -all", DNSRR(rrname=NAME, type="TXT", rdata=[b"v=spf1 ", b"-all"])),
    ("SOA", "ns1.example.org root.example.org 7 1 2 3 4",
     DNSRRSOA(rrname=NAME, mname="ns1.example.org", rname="root.example.org", serial=7, refresh=1, retry=2, expire=3,
              minimum=4)),
]  # fmt: skip


@pytest.mark.parametrize(("record", "text", "made"), RECORDS, ids=[record for record, _, _ in RECORDS])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_records(record: str, text: str, made: Any, tcp: bool) -> None:
    """Each type of record is read, compared as a person writes it, and refused when it is another."""
    other = DNSRR(rrname=NAME, type="CAA", rdata=b"\0\5issue")
    serve = serving(over_tcp(other, made)) if tcp else answering(server(other, made))
    async with serve as port:
        right = await probed(port, DnsProbe(query=NAME, record=record, expect=("192.0.2.1", text), tcp=tcp))
        wrong = await probed(port, DnsProbe(query=NAME, record=record, expect=("192.0.2.1",), tcp=tcp))
    assert right.result.reason is Reason.OK, right.result
    assert wrong.result.reason is Reason.NO_MATCH, wrong.result
    assert (
        text.rsplit(maxsplit=1)[-1].removesuffix(".").lower().replace("fd00:0", "fd00") in wrong.result.detail
    )


async def test_what_is_asked() -> None:
    """The query is what scapy reads: our name and type, recursion desired, an id that differs each time."""
    asked: list[DNS] = []

    def answer(data: bytes) -> list[bytes]:
        asked.append(DNS(data))
        return [reply(asked[-1])]

    async with answering(answer) as port:
        for _ in range(8):
            assert (await probed(port, DnsProbe(query=NAME, record="MX"))).result.reason is Reason.OK
        await probed(port, DnsProbe())
        await probed(port, DnsProbe(query="10.77.0.21", record="PTR"))
    assert {(query.qd[0].qname, query.qd[0].qtype, query.rd) for query in asked[:8]} == {
        (b"www.example.org.", 15, 1)
    }
    assert len({query.id for query in asked}) > 1
    assert (asked[8].qd[0].qname, asked[8].qd[0].qtype) == (b".", 6)
    assert asked[9].qd[0].qname == b"21.0.77.10.in-addr.arpa."


@pytest.mark.parametrize(
    ("fields", "reason", "detail"),
    [
        ({}, Reason.OK, "NOERROR"),
        ({"rcode": 2}, Reason.WRONG_STATUS, "SERVFAIL"),
        ({"rcode": 3}, Reason.WRONG_STATUS, "NXDOMAIN"),
        ({"rcode": 5, "qd": []}, Reason.WRONG_STATUS, "REFUSED"),
        ({"rcode": 9}, Reason.WRONG_STATUS, "RCODE 9"),
        ({"qr": 0}, Reason.BAD_ANSWER, "no answer to this query"),
        ({"qd": []}, Reason.BAD_ANSWER, "no answer to this query"),
        ({"qd": DNSQR(qname="other.example.org", qtype="A")}, Reason.BAD_ANSWER, "no answer to this query"),
        ({"qd": DNSQR(qname=NAME, qtype="MX")}, Reason.BAD_ANSWER, "no answer to this query"),
        ({"qd": DNSQR(qname=NAME.upper(), qtype="A")}, Reason.OK, "NOERROR"),
    ],
)
async def test_header(fields: dict[str, Any], reason: Reason, detail: str) -> None:
    """The response code decides; an answer to another question is none."""
    async with answering(server(**fields)) as port:
        result = (await probed(port, DnsProbe(query=NAME, record="A"), limit=0.4)).result
    assert result.reason is reason
    assert detail in result.detail


async def test_a_forged_id_is_waited_past() -> None:
    """An answer with another id decides nothing, and the right one that follows does."""
    record = DNSRR(rrname=NAME, type="A", rdata="10.77.0.21")

    def answer(data: bytes) -> list[bytes]:
        query = DNS(data)
        return [reply(query, id=(query.id + 1) % 65536, rcode=3), b"garbage", reply(query, record)]

    async with answering(answer) as port:
        result = (await probed(port, DnsProbe(query=NAME, record="A", expect=("10.77.0.21",)))).result
    assert result.reason is Reason.OK


async def test_truncated_answer_is_asked_for_over_tcp() -> None:
    """The whole answer comes over TCP at the same port; when nobody is there, that is what failed."""
    record = DNSRR(rrname=NAME, type="A", rdata="10.77.0.21")
    probe = DnsProbe(query=NAME, record="A", expect=("10.77.0.21",))
    async with serving(over_tcp(record)) as port, answering(server(tc=1), port=port):
        report = await probed(port, probe)
    assert report.result.reason is Reason.OK
    steps = [step.name for step in report.steps]
    assert steps[:4] == ["socket", "sent", "received", f"goes on over TCP at port {port}"]
    assert steps[-1] == "end"
    async with answering(server(tc=1)) as port:
        assert (await probed(port, probe)).result.reason is Reason.CONNECT_REFUSED


async def test_deadline_covers_the_conversation_after_truncation() -> None:
    """A server that is silent over TCP ends at the timeout, with what that means there."""
    async with serving(silence) as port, answering(server(tc=1), port=port):
        result = (await probed(port, DnsProbe(query=NAME, record="A"), limit=0.3)).result
    assert result.reason is Reason.READ_TIMEOUT
    assert "in the answer" in result.detail


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_nobody_there(tcp: bool) -> None:
    """A closed port refuses over both transports."""
    assert (await probed(free_port(), DnsProbe(tcp=tcp))).result.reason is Reason.CONNECT_REFUSED


async def test_silent_server() -> None:
    """No datagram in time."""
    async with answering(lambda data: []) as port:
        assert (await probed(port, DnsProbe(), limit=0.2)).result.reason is Reason.READ_TIMEOUT


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (silence, Reason.READ_TIMEOUT),
        (reset, Reason.CLOSED),
        (flood, Reason.BAD_ANSWER),
        (over_tcp(id=0, rcode=0), Reason.BAD_ANSWER),
        (over_tcp(tc=1), Reason.BAD_ANSWER),
        (over_tcp(pause=0.1), Reason.READ_TIMEOUT),
    ],
)
async def test_hostile_over_tcp(talk: Talk, reason: Reason) -> None:
    """Silence, reset, flood, an answer to somebody else, one that is still truncated, and one that drips."""
    async with serving(talk) as port:
        assert (await probed(port, DnsProbe(tcp=True), limit=0.4)).result.reason is reason


@pytest.mark.parametrize(
    "name", ["a..b", "." * 3, "x" * 64 + ".org", ".".join(["abcdefgh"] * 30), "bücher.example"]
)
def test_names_that_cannot_be_asked(name: str) -> None:
    """Such a name is refused before any probe runs."""
    with pytest.raises(ProbeError):
        plan(CheckSpec(address="127.0.0.1", port=53, probe=DnsProbe(query=name)), KIT)


def test_pointers_in_a_circle_end() -> None:
    """A name that points at itself is no name, and costs nothing to find out."""
    header = bytes.fromhex("000180000001000000000000")
    with pytest.raises(MessageError, match="without end"):
        answers(header + b"\xc0\x0c\x00\x01\x00\x01")


MESSAGES = [
    bytes(DNS(id=1, qr=1, qd=DNSQR(qname=NAME, qtype=record), an=[made])) for record, _, made in RECORDS
]


@given(
    st.sampled_from(MESSAGES),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
    st.integers(0, 200),
)
def test_any_bytes_are_a_message_or_none(message: bytes, changes: list[tuple[int, int]], length: int) -> None:
    """Whatever arrives is read or is a MessageError, never anything else."""
    data = bytearray(message)
    for place, value in changes:
        data[place % len(data)] = value
    for each in (bytes(data), bytes(data[:length])):
        try:
            answers(each)
        except MessageError:
            continue


@given(
    st.lists(
        st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20), min_size=1, max_size=8
    )
)
def test_names_as_scapy_reads_them(labels: list[str]) -> None:
    """An encoded name is the same name to another reader."""
    name = ".".join(labels)
    made = bytes(12) + encoded_name(name) + bytes([0, 1, 0, 1])
    made = made[:4] + b"\0\1" + made[6:]
    assert DNS(made).qd[0].qname == f"{name}.".encode()


async def test_a_record_of_a_type_that_is_not_known() -> None:
    """An answer to a question of another type, with a record of it, is another's answer: waited past, never our fault."""
    question = b"\0\1\x80\0\0\1\0\1\0\0\0\0" + b"\0" + b"\0\x16\0\1"
    strange = question + b"\0" + b"\0\x16\0\1" + b"\0\0\0\0" + b"\0\1" + b"x"
    assert answers(strange).texts == ()
    async with answering(lambda asked: [asked[:2] + strange[2:], strange]) as port:
        result = (await probed(port, DnsProbe(query=NAME, record="A"), limit=0.3)).result
    assert result.reason is Reason.BAD_ANSWER, result
