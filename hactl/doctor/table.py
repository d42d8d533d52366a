"""The kernel's IPVS table as /proc shows it, and other programs that write it or hold VIPs; core.

/proc shows the table without root's rights. Layout: ip_vs_info_seq_show and ip_vs_conn_seq_show of the kernel.
"""

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterator

import msgspec

from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.ipvs.model import ServiceKey, family_of, service_key
from hactl.ipvs.spec import Protocol

_RIVALS = {
    "keepalived": "keepalived", "ldirectord": "ldirectord", "pulse": "pulse", "lvsd": "pulse", "nanny": "pulse",
    "heartbeat": "heartbeat", "pacemakerd": "pacemaker", "ucarp": "ucarp", "vrrpd": "vrrpd", "uvrrpd": "uvrrpd",
    "seesaw_watchdog": "seesaw_watchdog", "kube-proxy": "", "kube-router": "",
}  # fmt: skip
"""Programs by the name that the kernel keeps (15 letters), and their systemd unit."""
_KUBE_INTERFACE = "kube-ipvs0"
_KUBE_MEND = "run hactl on hosts outside the Kubernetes cluster, or kube-proxy with --proxy-mode=nftables"
_NOT_ANSWERED = "SYN_RECV"
_PROTOCOLS = {"TCP": Protocol.TCP, "UDP": Protocol.UDP, "SCTP": Protocol.SCTP}


class Program(msgspec.Struct, frozen=True, order=True):
    """A process: its name as the kernel keeps it, and its id."""

    name: str
    pid: int


class Conversations(msgspec.Struct, frozen=True, kw_only=True):
    """Connections of IPVS to one real server by state."""

    waiting: int = 0
    answered: int = 0


# ---- reading --------------------------------------------------------------------------------------------------------


def services(text: str) -> tuple[ServiceKey, ...]:
    """The services in /proc/net/ip_vs. The family of a mark is not shown, so it is always ipv4 here."""
    found = (_service(line.split()) for line in text.splitlines())
    return tuple(key for key in found if key is not None)


def _service(words: list[str]) -> ServiceKey | None:
    if len(words) < 3:
        return None
    if words[0] == "FWM":
        return ServiceKey(fwmark=int(words[1], 16))
    if words[0] not in _PROTOCOLS:
        return None
    shown, _, port = words[1].rpartition(":")
    address = _address(shown.strip("[]"))
    return ServiceKey(
        family=family_of(address), protocol=_PROTOCOLS[words[0]], address=address, port=int(port, 16)
    )


def conversations(lines: Collection[str]) -> dict[str, Conversations]:
    """How TCP connections stand, by the real server's address, in lines of /proc/net/ip_vs_conn."""
    waiting: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for line in lines:
        words = line.split()
        if len(words) >= 8 and words[0] == "TCP":
            (waiting if words[7] == _NOT_ANSWERED else answered)[_address(words[5])] += 1
    return {
        address: Conversations(waiting=waiting[address], answered=answered[address])
        for address in waiting | answered
    }


def _address(shown: str) -> str:
    if ":" in shown:
        return str(ipaddress.IPv6Address(shown))
    return str(ipaddress.IPv4Address(int(shown, 16)))


# ---- judging --------------------------------------------------------------------------------------------------------


def judge_table(
    config: Config, held: Collection[ServiceKey], owned: Collection[ServiceKey]
) -> Iterator[Finding]:
    """Services of the table that neither the file nor hactl's record knows."""
    known = {_bare(key) for key in (*owned, *map(service_key, config.services))}
    for key in held:
        if _bare(key) not in known:
            seen = f"{_words(key)} is in the table; neither the file nor hactl's record has it"
            yield finding(FindingId.IPVS_FOREIGN, _words(key), seen, f"ipvsadm -D {_option(key)}")


def judge_rivals(programs: Collection[Program], interfaces: Collection[str]) -> Iterator[Finding]:
    """Other programs, one finding each however many processes they have."""
    pids: dict[str, list[int]] = {}
    for one in sorted(programs):
        if one.name in _RIVALS:
            pids.setdefault(one.name, []).append(one.pid)
    for name, found in pids.items():
        unit = _RIVALS[name]
        seen = f"{name} runs here (pid {', '.join(map(str, found))})"
        mend = f"systemctl disable --now {unit}" if unit else _KUBE_MEND
        yield finding(FindingId.RIVAL_RUNNING, name, seen, mend)
    if _KUBE_INTERFACE in interfaces and "kube-proxy" not in pids:
        seen = f"there is an interface {_KUBE_INTERFACE}, which kube-proxy leaves"
        yield finding(FindingId.RIVAL_RUNNING, "kube-proxy", seen, f"ip link delete {_KUBE_INTERFACE}")


def _bare(key: ServiceKey) -> ServiceKey:
    return ServiceKey(fwmark=key.fwmark) if key.fwmark else key


def _words(key: ServiceKey) -> str:
    return f"fwmark {key.fwmark}" if key.fwmark else str(key)


def _option(key: ServiceKey) -> str:
    """The service as ipvsadm's options name it."""
    if key.fwmark:
        return f"-f {key.fwmark}   # and -6 where it is of IPv6: the kernel's list does not say"
    letter = {Protocol.TCP: "-t", Protocol.UDP: "-u"}.get(key.protocol or Protocol.TCP, "--sctp-service")
    return f"{letter} {str(key).partition(' ')[2]}"
