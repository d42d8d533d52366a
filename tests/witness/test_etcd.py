"""What the arbiter's answers mean, as etcd's versions and what stands before them word them."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from hactl.witness.etcd import Etcd, NoAnswerError
from hactl.witness.lease import Question, Reply, Verb
from hactl.witness.spec import ArbiterSpec

GONE = "etcdserver: requested lease not found"
Ask = Callable[[Verb], Awaitable[Reply]]


def answered(status: int, *parts: bytes) -> Callable[[Callable[[Ask], Awaitable[None]]], None]:
    """Run a conversation with a server that answers everything so, in as many segments."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {sum(map(len, parts))}\r\n".encode())
        writer.write(b"Connection: close\r\n\r\n")
        for part in parts:
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(part)
        await writer.drain()
        writer.close()

    async def run(talk: Callable[[Ask], Awaitable[None]]) -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            etcd = Etcd(ArbiterSpec(endpoints=(f"http://127.0.0.1:{port}",), ttl=5, prefix="/hactl"))
            try:
                await talk(lambda verb: etcd.ask(Question(verb, 7), "key", "me"))
            finally:
                await etcd.close()

    return lambda talk: asyncio.run(run(talk))


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize(
    ("status", "answer", "text"),
    [
        (503, {"error": "no leader", "code": 14, "message": "no leader"}, "no leader"),  # etcd 3.5
        (503, {"code": 14, "message": "no leader", "details": []}, "no leader"),  # etcd 3.6
        (502, {"status": "bad gateway"}, "HTTP status 502"),  # a proxy
    ],
)
def test_an_error_is_no_answer(verb: Verb, status: int, answer: dict[str, object], text: str) -> None:
    """Whatever was asked, and whoever words the error: nothing is granted, ended or lost by it."""

    async def talk(ask: Ask) -> None:
        with pytest.raises(NoAnswerError, match=text):
            await ask(verb)

    answered(status, json.dumps(answer).encode())(talk)


@pytest.mark.parametrize("old", [True, False])
def test_a_lease_that_is_gone_is_an_answer(old: bool) -> None:
    """By its code, for only older versions have a field `error`."""

    gone = {"code": 5, "message": GONE} | ({"error": GONE} if old else {})

    async def talk(ask: Ask) -> None:
        assert (await ask(Verb.ACQUIRE)).ttl < 0
        assert (await ask(Verb.RENEW)).ttl == 0
        assert await ask(Verb.REVOKE) == Reply()

    answered(404, json.dumps(gone).encode())(talk)


@pytest.mark.parametrize("verb", [Verb.GRANT, Verb.RENEW])
def test_who_speaks_otherwise_grants_and_ends_nothing(verb: Verb) -> None:
    """A lease without a number would be asked for again without a pause."""

    async def talk(ask: Ask) -> None:
        with pytest.raises(NoAnswerError, match="does not speak etcd's JSON"):
            await ask(verb)

    answered(200, b'{"hello": "world"}')(talk)


def test_an_answer_in_two_segments_is_read_whole() -> None:
    """As proxies pass them on."""

    async def talk(ask: Ask) -> None:
        assert (await ask(Verb.RENEW)).ttl == 5

    answered(200, b'{"result": {"ID": "7", ', b'"TTL": "5"}}\n')(talk)


@pytest.mark.parametrize(
    "answer",
    [b"[" * 60_000, b'{"ID": 1e999}', b'{"ID": 1' + b"0" * 400 + b"}", b'{"ID": Infinity}'],
    ids=["deep", "beyond floats", "beyond int64", "infinite"],
)
def test_no_answer_ends_the_asking(answer: bytes) -> None:
    """Whoever stands in the arbiter's place may say what no number and no reader can hold: it is no answer, no more."""

    async def talk(ask: Ask) -> None:
        with pytest.raises(NoAnswerError, match="does not speak etcd's JSON"):
            await ask(Verb.GRANT)

    answered(200, answer)(talk)


def test_a_renewal_for_ever_is_none() -> None:
    """A time that no clock can hold counts as no time."""

    async def talk(ask: Ask) -> None:
        assert (await ask(Verb.RENEW)).ttl == 0

    answered(200, b'{"result": {"ID": "7", "TTL": 1e999}}')(talk)
