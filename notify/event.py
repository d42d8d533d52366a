"""What operators are told: one event for each change that matters.

Owns the closed list of event kinds and severities of the contract.
"""

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How much an event matters, from least to most."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Position in the order from least to most severe."""
        return list(Severity).index(self)


class EventKind(StrEnum):
    """The kinds of event; the part before the dot is the kind of subject."""

    ROUTER_MASTER = "router.master"
    ROUTER_BACKUP = "router.backup"
    ROUTER_FAULT = "router.fault"
    ROUTER_REFUSED = "router.refused"
    ROUTER_FENCED = "router.fenced"
    ROUTER_UNFENCED = "router.unfenced"
    ROUTER_HANDOVER = "router.handover"
    ROUTER_RESUMED = "router.resumed"
    SERVER_UP = "server.up"
    SERVER_DOWN = "server.down"
    SERVICE_UP = "service.up"
    SERVICE_DEGRADED = "service.degraded"
    SERVICE_DOWN = "service.down"
    SERVICE_PANIC = "service.panic"
    TRACK_UP = "track.up"
    TRACK_DOWN = "track.down"
    PEER_UP = "peer.up"
    PEER_DOWN = "peer.down"
    PEER_LINK = "peer.link"
    CONFIG_LOADED = "config.loaded"
    CONFIG_REJECTED = "config.rejected"
    CONFIG_DRIFT = "config.drift"
    CONFLICT_TWO_MASTERS = "conflict.two_masters"
    DIRECTOR_STARTED = "director.started"
    DIRECTOR_STOPPED = "director.stopped"
    WORKER_DIED = "worker.died"
    IPVS_REPAIRED = "ipvs.repaired"
    NOTIFY_FAILED = "notify.failed"
    NOTIFY_TEST = "notify.test"
    OVERRIDE_SET = "override.set"
    OVERRIDE_UNSEEN = "override.unseen"
    PROBLEM_ACKNOWLEDGED = "problem.acknowledged"
    DIRECTOR_CLOCK = "director.clock"
    DIRECTOR_STANDBY = "director.standby"
    DIRECTOR_RESUMED = "director.resumed"

    @property
    def severity(self) -> Severity:
        """The severity an event of this kind has unless it says otherwise."""
        return _SEVERITY.get(self, Severity.INFO)

    @property
    def text(self) -> str:
        """What it means, in words for people."""
        return _TEXTS[self]


_SEVERITY = {
    EventKind.ROUTER_MASTER: Severity.WARNING,
    EventKind.ROUTER_BACKUP: Severity.WARNING,
    EventKind.ROUTER_FAULT: Severity.CRITICAL,
    EventKind.ROUTER_REFUSED: Severity.WARNING,
    EventKind.ROUTER_FENCED: Severity.WARNING,
    EventKind.ROUTER_UNFENCED: Severity.CRITICAL,
    EventKind.SERVER_UP: Severity.WARNING,
    EventKind.SERVER_DOWN: Severity.WARNING,
    EventKind.SERVICE_UP: Severity.WARNING,
    EventKind.SERVICE_DEGRADED: Severity.WARNING,
    EventKind.SERVICE_DOWN: Severity.CRITICAL,
    EventKind.SERVICE_PANIC: Severity.CRITICAL,
    EventKind.TRACK_UP: Severity.WARNING,
    EventKind.TRACK_DOWN: Severity.WARNING,
    EventKind.PEER_UP: Severity.WARNING,
    EventKind.PEER_DOWN: Severity.WARNING,
    EventKind.PEER_LINK: Severity.WARNING,
    EventKind.CONFIG_REJECTED: Severity.WARNING,
    EventKind.CONFIG_DRIFT: Severity.WARNING,
    EventKind.CONFLICT_TWO_MASTERS: Severity.CRITICAL,
    EventKind.DIRECTOR_CLOCK: Severity.WARNING,
    EventKind.DIRECTOR_STANDBY: Severity.WARNING,
    EventKind.OVERRIDE_UNSEEN: Severity.WARNING,
    EventKind.WORKER_DIED: Severity.WARNING,
    EventKind.IPVS_REPAIRED: Severity.WARNING,
    EventKind.NOTIFY_FAILED: Severity.CRITICAL,
}

_TEXTS = {
    EventKind.ROUTER_MASTER: "this director is master of a router: it holds the VIPs",
    EventKind.ROUTER_BACKUP: "this director is backup of a router: another one holds the VIPs",
    EventKind.ROUTER_FAULT: "a router cannot take part in elections; the reason says what is in the way",
    EventKind.ROUTER_REFUSED: "adverts of a router are refused: a wrong key, a replay, or a stranger",
    EventKind.ROUTER_FENCED: "a silent master was fenced before a takeover",
    EventKind.ROUTER_UNFENCED: "fencing a silent master failed: no takeover if it is required, or one without",
    EventKind.ROUTER_HANDOVER: "an operator has mastership of a router given to a peer",
    EventKind.ROUTER_RESUMED: "an operator ended the holding back after a handover",
    EventKind.SERVER_UP: "a real server passes its checks",
    EventKind.SERVER_DOWN: "a real server fails its checks and leaves the table",
    EventKind.SERVICE_UP: "all servers of a service are in service again",
    EventKind.SERVICE_DEGRADED: "a service goes on with fewer servers than it has",
    EventKind.SERVICE_DOWN: "a service has lost its quorum; the sorry server serves where there is one",
    EventKind.SERVICE_PANIC: "most servers of a service seem to have failed together: none is removed for a while",
    EventKind.TRACK_UP: "what a router tracks is well again",
    EventKind.TRACK_DOWN: "what a router tracks has failed; its priority falls, or it is in fault",
    EventKind.PEER_UP: "another director is heard over the peer channel",
    EventKind.PEER_DOWN: "another director is not heard any more",
    EventKind.PEER_LINK: "a link to another director broke while others work, or works again",
    EventKind.CONFIG_LOADED: "a configuration was taken on",
    EventKind.CONFIG_REJECTED: "a configuration was not taken on; nothing was changed",
    EventKind.CONFIG_DRIFT: "another director runs a different configuration",
    EventKind.CONFLICT_TWO_MASTERS: "two directors are, or were, master of one router",
    EventKind.DIRECTOR_STARTED: "the daemon runs",
    EventKind.DIRECTOR_STOPPED: "the daemon was stopped in order",
    EventKind.WORKER_DIED: "a worker process died and is started again",
    EventKind.IPVS_REPAIRED: "the kernel's table was changed by somebody else and was put right",
    EventKind.NOTIFY_FAILED: "a channel of notification does not deliver, or has lost alerts",
    EventKind.NOTIFY_TEST: "an operator had a channel tried; nothing is wrong",
    EventKind.OVERRIDE_SET: "an operator drained, enabled, disabled or weighted a server",
    EventKind.OVERRIDE_UNSEEN: "a new master may not know what operators asked of the old one",
    EventKind.PROBLEM_ACKNOWLEDGED: "an operator said that a problem is known: nobody is reminded of it",
    EventKind.DIRECTOR_CLOCK: "the clock of this director was set by a large step",
    EventKind.DIRECTOR_STANDBY: "an operator took this director out",
    EventKind.DIRECTOR_RESUMED: "an operator let this director take part again",
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `at` is wall-clock seconds since the epoch, for display; `id` is unique per event.

    `subject` names the object ("web", "rs1@www"); `old` and `new` are states as words, empty where there is none.
    """

    id: str
    kind: EventKind
    cluster: str
    node: str
    subject: str
    old: str = ""
    new: str = ""
    reason: str = ""
    severity: Severity
    at: float
