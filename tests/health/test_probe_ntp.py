"""The ntp probe against servers on loopback that speak scapy's NTP, a judge that shares no code with ours."""

from collections.abc import Callable
from typing import Any

import pytest
from scapy.layers.ntp import NTPHeader

from health.result import Reason
from health.spec import NtpProbe
from support.probing import probed
from support.servers import answering, free_port


def server(**fields: Any) -> Callable[[bytes], list[bytes]]:
    """Answers each request as a synchronised server of stratum 2, but for these fields."""

    def answer(data: bytes) -> list[bytes]:
        request = NTPHeader(data)
        assert (request.version, request.mode, len(data)) == (4, 3, 48)
        header = {"leap": 0, "version": 4, "mode": 4, "stratum": 2, **fields}
        # The timestamp goes back bit by bit, not through scapy's seconds.
        made = bytes(NTPHeader(**header))
        return [made if "orig" in fields else made[:24] + data[40:48] + made[32:]]

    return answer


@pytest.mark.parametrize(
    ("fields", "limit", "reason", "detail"),
    [
        ({}, 15, Reason.OK, "stratum 2"),
        ({"leap": 1}, 15, Reason.OK, "stratum 2"),
        ({"stratum": 3}, 2, Reason.WRONG_STATUS, "stratum 3"),
        ({"stratum": 16}, 15, Reason.WRONG_STATUS, "not synchronised"),
        ({"leap": 3}, 15, Reason.WRONG_STATUS, "not synchronised"),
        ({"stratum": 0, "ref_id": b"RATE"}, 15, Reason.WRONG_STATUS, "kiss code RATE"),
        ({"mode": 3}, 15, Reason.BAD_ANSWER, "no answer to this request"),
        ({"orig": 1.0}, 15, Reason.BAD_ANSWER, "no answer to this request"),
    ],
)
async def test_answers(fields: dict[str, Any], limit: int, reason: Reason, detail: str) -> None:
    """Stratum and leap indicator decide; what does not return our timestamp is no answer."""
    async with answering(server(**fields)) as port:
        result = (await probed(port, NtpProbe(max_stratum=limit), limit=0.4)).result
    assert result.reason is reason, result
    assert detail in result.detail


@pytest.mark.parametrize("said", [b"", b"x", b"\x24" * 47, b"\xff" * 4000])
async def test_garbage(said: bytes) -> None:
    """Short and strange datagrams are waited past."""
    async with answering(lambda data: [said] if said else []) as port:
        result = (await probed(port, NtpProbe(), limit=0.3)).result
    assert result.reason is (Reason.BAD_ANSWER if said else Reason.READ_TIMEOUT)


async def test_the_right_answer_after_a_forged_one() -> None:
    """A forged answer decides nothing."""

    def answer(data: bytes) -> list[bytes]:
        return [*server(orig=7.0, stratum=0)(data), *server()(data)]

    async with answering(answer) as port:
        assert (await probed(port, NtpProbe())).result.reason is Reason.OK


async def test_nobody_there() -> None:
    """A closed port refuses."""
    assert (await probed(free_port(), NtpProbe())).result.reason is Reason.CONNECT_REFUSED
