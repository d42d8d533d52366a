"""What a diagnosis can find: a closed list, each with its severity and words; and one found thing with its evidence.

The law: a finding says what was seen, and gives the command that mends it, to be read before it is run.
"""

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad it is: something does not work, or will not when it is needed; or it works worse than it could."""

    FAULT = "fault"
    WARNING = "warning"


class FindingId(StrEnum):
    """Everything that can be found."""

    KERNEL_OLD = "kernel-old"
    IPVS_MISSING = "ipvs-missing"
    MODULE_MISSING = "module-missing"
    IPVS_FOREIGN = "ipvs-foreign"
    RIVAL_RUNNING = "rival-running"
    FORWARDING_OFF = "forwarding-off"
    RP_FILTER = "rp-filter"
    VIRTUAL_MAC_SWITCH = "virtual-mac-switch"
    PROMOTE_SECONDARIES = "promote-secondaries"
    SEND_REDIRECTS = "send-redirects"
    IPVS_SWITCH = "ipvs-switch"
    IPVS_EXPIRY = "ipvs-expiry"
    CONNTRACK_FULL = "conntrack-full"
    INTERFACE_MISSING = "interface-missing"
    VRID_TAKEN = "vrid-taken"
    VIP_TAKEN = "vip-taken"
    SERVER_ANSWERS = "server-answers"
    TUNNEL_MTU = "tunnel-mtu"
    VRRP_BLOCKED = "vrrp-blocked"
    CLOCK = "clock"
    REALTIME_LIMIT = "realtime-limit"
    MEMLOCK_LIMIT = "memlock-limit"
    INTERVAL_SHORT = "interval-short"
    CONFIG_DRIFT = "config-drift"
    CONFIG_UNLOADED = "config-unloaded"
    PEER_DOWN = "peer-down"
    DAEMON_DOWN = "daemon-down"
    PEER_LINK = "peer-link"
    WORKER_DOWN = "worker-down"
    SECRET_MODE = "secret-mode"
    SECRET_MISSING = "secret-missing"
    PROGRAM_UNUSABLE = "program-unusable"
    VIP_MISSING = "vip-missing"
    VIP_LEFT = "vip-left"
    VIP_UNSERVED = "vip-unserved"
    ARP_NOT_HIDDEN = "arp-not-hidden"
    TUNNEL_CLOSED = "tunnel-closed"
    TUNNEL_FILTERED = "tunnel-filtered"
    NAT_ROUTE = "nat-route"
    REDIRECTS_TAKEN = "redirects-taken"
    MARK_UNSET = "mark-unset"

    @property
    def text(self) -> str:
        """What it means, in words for people."""
        return _TEXTS[self]

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return Severity.WARNING if self in _WARNINGS else Severity.FAULT


_TEXTS = {
    FindingId.KERNEL_OLD: "this kernel cannot mark addresses (5.18 can), so hactl runs no routers",
    FindingId.IPVS_MISSING: "this kernel has no IPVS, or it is not loaded",
    FindingId.MODULE_MISSING: "this kernel lacks a module that a service needs",
    FindingId.IPVS_FOREIGN: "there are virtual services in the table that are not hactl's",
    FindingId.RIVAL_RUNNING: "another program that writes IPVS or holds VIPs runs here",
    FindingId.FORWARDING_OFF: "packets are not forwarded, which nat needs",
    FindingId.RP_FILTER: "the strict reverse path filter may drop what real servers and clients send",
    FindingId.VIRTUAL_MAC_SWITCH: "clients may learn an interface's own MAC for a VIP that has a virtual one",
    FindingId.PROMOTE_SECONDARIES: "a VIP that leaves may take this host's own address with it",
    FindingId.SEND_REDIRECTS: "ICMP redirects tell real servers and clients a way around this director",
    FindingId.IPVS_SWITCH: "a switch of IPVS is not as the configuration says",
    FindingId.IPVS_EXPIRY: "connections or persistence stay with a server that is gone",
    FindingId.CONNTRACK_FULL: "the table of connection tracking is almost full; then new connections are dropped",
    FindingId.INTERFACE_MISSING: "an interface that the configuration names is missing or down",
    FindingId.VRID_TAKEN: "somebody else uses the VRID of a router on its link",
    FindingId.VIP_TAKEN: "somebody who is no director answers for a VIP",
    FindingId.SERVER_ANSWERS: "a real server answers for a VIP that it must hide",
    FindingId.TUNNEL_MTU: "full packets do not fit into the tunnel to a real server",
    FindingId.VRRP_BLOCKED: "the firewall may drop the directors' adverts (protocol 112)",
    FindingId.CLOCK: "the clock is not synchronised; times of events and --for deadlines may be wrong",
    FindingId.REALTIME_LIMIT: "the failover worker may not be scheduled in real time",
    FindingId.MEMLOCK_LIMIT: "the failover worker may not keep its memory in RAM",
    FindingId.INTERVAL_SHORT: "adverts are quicker than this host; a busy moment would cost the mastership",
    FindingId.CONFIG_DRIFT: "a peer runs another configuration",
    FindingId.CONFIG_UNLOADED: "the daemon runs another configuration than the file on disk",
    FindingId.PEER_DOWN: "a peer is not heard on the directors' channel",
    FindingId.DAEMON_DOWN: "hactl does not run here",
    FindingId.PEER_LINK: "a peer is not heard on one of several links",
    FindingId.WORKER_DOWN: "a part of the daemon does not run, or does not answer",
    FindingId.SECRET_MODE: "a file with a secret can be read or written by others",
    FindingId.SECRET_MISSING: "a file with a secret cannot be read",
    FindingId.PROGRAM_UNUSABLE: "a router's program cannot be run",
    FindingId.VIP_MISSING: "a VIP that this real server needs is not there",
    FindingId.VIP_LEFT: "a VIP of hactl's is there that no service here needs",
    FindingId.VIP_UNSERVED: "a service answers at this real server's own address, but not at its VIP",
    FindingId.ARP_NOT_HIDDEN: "this real server would answer ARP for its VIPs",
    FindingId.TUNNEL_CLOSED: "what directors send through the tunnel is not taken out here",
    FindingId.TUNNEL_FILTERED: "the reverse path filter drops what comes out of the tunnel",
    FindingId.NAT_ROUTE: "answers do not go back through the directors, which nat needs",
    FindingId.MARK_UNSET: "nothing seems to set the firewall mark of a service, which then gets no packets",
    FindingId.REDIRECTS_TAKEN: "ICMPv6 redirects, which a director always sends, lead answers past its translation",
}

_WARNINGS = frozenset(
    {
        FindingId.SEND_REDIRECTS, FindingId.IPVS_FOREIGN, FindingId.TUNNEL_MTU, FindingId.CLOCK,
        FindingId.REALTIME_LIMIT, FindingId.MEMLOCK_LIMIT, FindingId.INTERVAL_SHORT, FindingId.CONFIG_DRIFT,
        FindingId.PEER_DOWN, FindingId.VIP_LEFT, FindingId.DAEMON_DOWN, FindingId.RP_FILTER,
        FindingId.IPVS_EXPIRY,
        FindingId.PROMOTE_SECONDARIES,
        FindingId.PEER_LINK,
        FindingId.CONFIG_UNLOADED,
        FindingId.MARK_UNSET,
    }
)  # fmt: skip


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found: about what, what was seen, and the command that mends it (empty: none is known)."""

    id: FindingId
    severity: Severity
    subject: str
    text: str
    evidence: str
    mend: str


def finding(what: FindingId, subject: str, evidence: str, mend: str) -> Finding:
    """A finding with the words and the severity of its kind."""
    return Finding(
        id=what, severity=what.severity, subject=subject, text=what.text, evidence=evidence, mend=mend
    )
