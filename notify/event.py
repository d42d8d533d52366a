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
    DIRECTOR_CLOCK = "director.clock"
    DIRECTOR_STANDBY = "director.standby"
    DIRECTOR_RESUMED = "director.resumed"

    @property
    def severity(self) -> Severity:
        """The severity an event of this kind has unless it says otherwise."""
        return _SEVERITY.get(self, Severity.INFO)


_SEVERITY = {
    EventKind.ROUTER_MASTER: Severity.WARNING,
    EventKind.ROUTER_BACKUP: Severity.WARNING,
    EventKind.ROUTER_FAULT: Severity.CRITICAL,
    EventKind.ROUTER_REFUSED: Severity.WARNING,
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
