"""The ntp probe: one client request (RFC 5905 section 14), its answer judged.

Its law: an answer counts only when it returns the timestamp that we made up, which nobody can guess.
"""

from health.dialogue import DatagramDialogue, DatagramPlan, Kit
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, NtpProbe

LENGTH = 48
"""Bytes of a packet without extensions."""
_VERSION = 4
_CLIENT, _SERVER = 3, 4
_NOT_SYNCHRONISED = 3
"""The leap indicator of a server whose own clock is not set."""


class NtpDialogue:
    """One request and its answer."""

    def __init__(self, cookie: bytes, max_stratum: int) -> None:
        self._cookie = cookie
        self._max_stratum = max_stratum
        self._strange = b""

    def begin(self) -> bytes:
        """The request: all zero but for version, mode and the transmit timestamp."""
        return bytes([_VERSION << 3 | _CLIENT]) + bytes(LENGTH - 9) + self._cookie

    def receive(self, data: bytes) -> bytes | End:
        """Judge our answer; what is not ours is remembered for the person who asks why."""
        if len(data) < LENGTH or data[0] & 7 != _SERVER or data[24:32] != self._cookie:
            self._strange = data
            return b""
        leap, stratum = data[0] >> 6, data[1]
        if stratum == 0:
            # A "kiss of death": the server says in four letters why it gives no time (section 7.4).
            return End(Reason.WRONG_STATUS, f"kiss code {excerpt(data[12:16])}")
        if leap == _NOT_SYNCHRONISED or stratum > 15:
            return End(Reason.WRONG_STATUS, "not synchronised")
        if stratum > self._max_stratum:
            return End(Reason.WRONG_STATUS, f"stratum {stratum}")
        return End(Reason.OK, f"stratum {stratum}")

    def silence(self) -> End:
        """No answer of ours came in time."""
        if self._strange:
            return End(Reason.BAD_ANSWER, f"no answer to this request: {excerpt(self._strange)}")
        return End(Reason.READ_TIMEOUT, "no answer")


def plan(check: CheckSpec, probe: NtpProbe, kit: Kit) -> DatagramPlan:
    """How this check is carried out."""

    def dialogue() -> DatagramDialogue:
        return NtpDialogue(kit.random(8), probe.max_stratum)

    return DatagramPlan(check.address, check.port, dialogue)
