"""What the end of a program says about what it checked, by the convention that it follows; core.

The law: a program that did not end by itself, or whose answer does not fit its convention, is a failure, never a pass.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from health.dialogue import Ran
from health.result import DETAIL_LIMIT, PASSED, End, Reason
from health.wire import perfdata

_WORDS: Final = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}

_SSH_FAILED: Final = 255
_SSH_KEYS: Final = ("Load key", "no such identity", "bad permissions", "not accessible")
"""What the client says of a key that it cannot use, before the server refuses it."""
_SSH_WORDS: Final = (
    ("Permission denied", Reason.LOGIN_FAILED),
    ("authentication failures", Reason.LOGIN_FAILED),
    ("Host key verification failed", Reason.LOGIN_FAILED),
    ("Connection refused", Reason.CONNECT_REFUSED),
    ("timed out", Reason.CONNECT_TIMEOUT),
    ("No route to host", Reason.CONNECT_UNREACHABLE),
    ("unreachable", Reason.CONNECT_UNREACHABLE),
    ("closed by", Reason.CLOSED),
    ("reset by", Reason.CLOSED),
)


def by_status(ran: Ran) -> End:
    """Status 0 passes."""
    return ran.end


def nagios(ran: Ran) -> End:
    """Of a Nagios plugin: OK and WARNING pass, CRITICAL and UNKNOWN fail; with what it measured.

    Source: Nagios Plugins Development Guidelines, "Plugin Return Codes".
    """
    if ran.status is None:
        return ran.end
    said = perfdata.read(ran.output)
    word = _WORDS.get(ran.status, f"exit status {ran.status}, which is none of Nagios'")
    detail = said.text if word in said.text else f"{word}: {said.text}" if said.text else word
    return End(Reason.OK if ran.status < 2 else Reason.PROGRAM_FAILED, detail, measures=said.measures)


def ssh_client(ran: Ran) -> End:
    """Of OpenSSH's client: the command's own status, or 255 when it came to no command (ssh(1), "Exit status")."""
    if ran.status is None or ran.status == 0:
        return ran.end
    lines = [line.strip() for line in ran.output.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if ran.status != _SSH_FAILED:
        return End(Reason.PROGRAM_FAILED, f"the command ended with status {ran.status}: {last}".rstrip(": "))
    for word in _SSH_KEYS:
        if found := next((line for line in lines if word in line), ""):
            return End(Reason.CANNOT_RUN, found)
    return End(next((reason for word, reason in _SSH_WORDS if word in last), Reason.CONNECT_FAILED), last)


def mon(ran: Ran, hosts: Iterable[str]) -> Mapping[str, End]:
    """Of a Mon monitor that was given these hosts: the first line names those that failed, the rest says why."""
    if ran.status is None or ran.status == 0:
        return dict.fromkeys(hosts, ran.end)
    asked = tuple(hosts)
    first, *rest = ran.output.decode(errors="replace").splitlines() or [""]
    named = _words(first)
    if named.isdisjoint(asked):
        why = f"exit status {ran.status}, and the first line names none of its hosts: {first.strip()}"
        return dict.fromkeys(asked, End(Reason.PROGRAM_FAILED, why[:DETAIL_LIMIT]))
    lines = [line.strip() for line in rest if line.strip()]
    return {host: _failed(host, lines) if host in named else PASSED for host in asked}


def _failed(host: str, lines: list[str]) -> End:
    """With the line that speaks of this host, else with the first one."""
    mine = next((line for line in lines if host in _words(line)), "")
    return End(Reason.PROGRAM_FAILED, mine or (lines[0] if lines else ""))


def _words(line: str) -> frozenset[str]:
    """Words, with and without the punctuation at their ends: an IPv6 address may end in colons itself."""
    words = line.split()
    return frozenset((*words, *(word.strip(",;:()") for word in words)))
