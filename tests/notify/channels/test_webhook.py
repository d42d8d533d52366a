"""Webhooks to a real HTTP server."""

import asyncio
import hashlib
import hmac
import json
import re
import time

import pytest

from notify.channels.base import DeliveryError
from notify.channels.webhook import WebhookChannel, asked, words
from notify.formats import Format
from notify.spec import WebhookSpec
from support.alerts import event, hook, tools
from support.servers import serving


def channel(url: str, timeout: float = 10.0, **fields: object) -> WebhookChannel:
    """A channel to this address."""
    return WebhookChannel(WebhookSpec(url=url, **fields), tools(secrets={"/etc/key": "key\n"}), timeout)  # type: ignore[arg-type]


async def test_a_single_event_is_posted_signed() -> None:
    """The body is a CloudEvent, signed over its bytes; the operator's headers are there."""
    async with hook() as receiver:
        await channel(receiver.url, secret_file="/etc/key", headers=(("X-Team", "ops"),)).deliver(
            [event(number=1)]
        )
    headers, body = receiver.requests[0]
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert headers["X-Team"] == "ops"
    assert headers["X-Hactl-Signature"] == "sha256=" + hmac.new(b"key", body, hashlib.sha256).hexdigest()
    assert json.loads(body)["id"] == "event-1"


async def test_several_events_are_one_batch() -> None:
    """Two events are one POST, unsigned without a secret."""
    async with hook() as receiver:
        await channel(receiver.url).deliver([event(number=1), event(number=2)])
    headers, body = receiver.requests[0]
    assert headers["Content-Type"] == "application/cloudevents-batch+json"
    assert "X-Hactl-Signature" not in headers
    assert len(json.loads(body)) == 2


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_any_2xx_is_success(status: int) -> None:
    """The receiver may answer any success."""
    async with hook() as receiver:
        receiver.status = status
        assert await channel(receiver.url).deliver([event()]) == ""


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        *((status, False) for status in (301, 307, 401, 404, 429, 500, 503)),
        *((status, True) for status in (400, 403, 410, 413, 422)),
    ],
)
async def test_other_answers_are_failures(status: int, refused: bool) -> None:
    """A 4xx is a refusal but for those that are not of the message; redirects are not followed."""
    async with hook() as receiver:
        receiver.status = status
        with pytest.raises(DeliveryError, match=f"answered {status}") as caught:
            await channel(receiver.url).deliver([event()])
    assert caught.value.refused is refused
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        (" 3 ", 3.0),
        ("Fri, 27 Nov 2026 04:01:30 GMT", 90.0),
        ("Fri, 27 Nov 2026 03:00:00 GMT", 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("9" * 400, 999_999_999.0),
        ("Fri, 99 Nov 99999 03:00:00 GMT", 0.0),
    ],
)
def test_what_retry_after_asks_for(said: str, seconds: float) -> None:
    """Seconds or a date; what is neither asks for nothing."""
    assert asked(said, 1_795_752_000.0) == seconds


async def test_a_receiver_that_asks_for_patience_is_heard() -> None:
    """Its Retry-After is part of the failure."""
    async with hook() as receiver:
        receiver.status, receiver.headers = 429, {"Retry-After": "7"}
        with pytest.raises(DeliveryError) as caught:
            await channel(receiver.url).deliver([event()])
    assert (caught.value.refused, caught.value.wait) == (False, 7.0)


async def test_a_huge_answer_is_not_read() -> None:
    """An answer of 32 MB costs nothing: its status is all that matters."""
    async with hook() as receiver:
        receiver.status, receiver.body = 200, bytes(32 * 1024 * 1024)
        assert await channel(receiver.url).deliver([event()]) == ""


@pytest.mark.parametrize(
    "rest",
    [b"Content-Length: 9\r\n\r\n", b"Content-Length: 9\r\n\r\nok", b"Transfer-Encoding: chunked\r\n\r\n9"],
)
@pytest.mark.parametrize("ends", [True, False], ids=["cut", "hangs"])
async def test_whoever_said_yes_has_taken_the_alert(rest: bytes, ends: bool) -> None:
    """A body that never comes, or stops in the middle, does not undo the status: else all would be posted again."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + rest)
        await writer.drain()
        await asyncio.sleep(0.0 if ends else 3600.0)

    async with serving(answer) as port:
        assert await channel(f"http://127.0.0.1:{port}/", timeout=3.0).deliver([event()]) == ""


async def test_a_hanging_receiver_times_out() -> None:
    """No answer within the timeout is a failure."""
    async with hook() as receiver:
        receiver.delay = 30.0
        began = time.monotonic()
        with pytest.raises((DeliveryError, asyncio.TimeoutError)):
            await channel(receiver.url, timeout=0.1).deliver([event()])
        assert time.monotonic() - began < 10.0


async def test_no_receiver() -> None:
    """A closed port is a failure with words, to be tried again."""
    async with hook() as receiver:
        url = receiver.url
    with pytest.raises(DeliveryError, match=r"127\.0\.0\.1") as caught:
        await channel(url).deliver([event()])
    assert not caught.value.refused


@pytest.mark.parametrize("url", ["chat.example.org/hook", "ftp://127.0.0.1/", "http://", "http://[::1/"])
async def test_what_is_no_address(url: str) -> None:
    """An address that cannot be one fails at delivery, in words."""
    with pytest.raises(DeliveryError):
        await channel(url).deliver([event()])


async def test_no_failure_tells_the_key_in_an_address() -> None:
    """What is told of a failure stands in the log, on the page and in other channels' alerts."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.org\r\n\r\n")
        await writer.drain()

    async with serving(answer) as port:
        for host in (f"127.0.0.1:{port}", f"bot:S3CRET@127.0.0.1:{port}", "", "127.0.0.1:99999"):
            with pytest.raises(DeliveryError) as caught:
                await channel(f"http://{host}/services/S3CRET?key=S3CRET").deliver([event()])
            assert "S3CRET" not in str(caught.value)
            assert str(caught.value)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Connection timeout to host https://chat.example.org/S3CRET?k=1",
            "https://chat.example.org/(hidden)",
        ),
        ("http://me:S3CRET@[::1]:80/x and more", "http://[::1]:80/(hidden) and more"),
    ],
)
def test_of_an_address_the_host_is_told(said: str, told: str) -> None:
    """It helps who looks for the fault."""
    assert words(OSError(said)).endswith(told)


async def test_a_form_with_a_key_is_sent_alone_and_unsigned() -> None:
    """PagerDuty's routing key goes into the body, and each event into a request of its own."""
    async with hook() as receiver:
        one = channel(receiver.url, form=Format.PAGERDUTY, secret_file="/etc/key")
        assert one.batch == 1
        await one.deliver([event(number=1)])
    headers, body = receiver.requests[0]
    assert "X-Hactl-Signature" not in headers
    assert json.loads(body)["routing_key"] == "key"


async def test_a_chat_message_is_signed_as_well() -> None:
    """Where a secret is given."""
    async with hook() as receiver:
        await channel(receiver.url, form=Format.SLACK, secret_file="/etc/key").deliver([event(), event()])
    headers, body = receiver.requests[0]
    assert headers["X-Hactl-Signature"] == "sha256=" + hmac.new(b"key", body, hashlib.sha256).hexdigest()
    assert "2 events" in json.loads(body)["text"]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("0xa9fea9fe", "169.254.169.254 is a link-local or metadata address"),
        ("2852039166", "not a canonical"),
        ("0", "not a canonical"),
    ],
)
async def test_a_name_that_leads_to_the_link_itself_is_refused(host: str, words: str) -> None:
    """However the address is written: what the resolver makes of it counts. Nothing is sent."""
    with pytest.raises(DeliveryError, match=re.escape(words)):
        await channel(f"http://{host}:9/").deliver([event()])
