"""Which events begin a problem and which end it, and what tells one problem from another; core.

The law: a problem is one topic of one subject on one director. What has no end of its own, such as a refused
configuration, is news and no problem.
"""

from enum import StrEnum

from notify.event import Event, EventKind


class Topic(StrEnum):
    """What can be wrong with a subject."""

    SERVICE = "service"
    ROUTER = "router"
    SERVER = "server"
    PANIC = "panic"
    FENCE = "fence"
    TRACK = "track"
    PEER = "peer"
    LINK = "link"

    @property
    def text(self) -> str:
        """What it means, in words for people."""
        return _TEXTS[self]


_TEXTS = {
    Topic.SERVICE: "a service is down or degraded",
    Topic.ROUTER: "a router is in fault",
    Topic.SERVER: "a real server fails its checks",
    Topic.PANIC: "most servers of a service failed together",
    Topic.FENCE: "a takeover waits for fencing, which failed",
    Topic.TRACK: "what a router tracks has failed",
    Topic.PEER: "another director is not heard",
    Topic.LINK: "a link to another director is broken",
}

Key = tuple[str, str]
"""Topic and subject of a problem."""


class Role(StrEnum):
    """What an event is to a problem."""

    BEGINS = "begins"
    ENDS = "ends"
    NEWS = "news"

    @property
    def text(self) -> str:
        """What it means, in words for people."""
        return {"begins": "a problem begins, or changes", "ends": "a problem ends", "news": "no problem"}[
            self
        ]


_KINDS = {
    EventKind.SERVICE_DOWN: (Topic.SERVICE, Role.BEGINS),
    EventKind.SERVICE_DEGRADED: (Topic.SERVICE, Role.BEGINS),
    EventKind.SERVICE_UP: (Topic.SERVICE, Role.ENDS),
    EventKind.ROUTER_FAULT: (Topic.ROUTER, Role.BEGINS),
    EventKind.ROUTER_MASTER: (Topic.ROUTER, Role.ENDS),
    EventKind.ROUTER_BACKUP: (Topic.ROUTER, Role.ENDS),
    EventKind.ROUTER_FENCED: (Topic.FENCE, Role.ENDS),
    EventKind.SERVER_DOWN: (Topic.SERVER, Role.BEGINS),
    EventKind.SERVER_UP: (Topic.SERVER, Role.ENDS),
    EventKind.TRACK_DOWN: (Topic.TRACK, Role.BEGINS),
    EventKind.TRACK_UP: (Topic.TRACK, Role.ENDS),
    EventKind.PEER_DOWN: (Topic.PEER, Role.BEGINS),
    EventKind.PEER_UP: (Topic.PEER, Role.ENDS),
}
_BY_STATE = {
    EventKind.SERVICE_PANIC: (Topic.PANIC, "panic"),
    EventKind.PEER_LINK: (Topic.LINK, "down"),
    EventKind.ROUTER_UNFENCED: (Topic.FENCE, "failed"),
}
"""Kinds that say with their new state whether a problem begins."""
IN_ITSELF = frozenset(
    {EventKind.ROUTER_MASTER, EventKind.ROUTER_BACKUP, EventKind.ROUTER_FENCED, EventKind.ROUTER_UNFENCED}
)
"""Ends of a problem that are news all the same where there was none: somebody took over, or was fenced."""


def place(event: Event) -> tuple[Key | None, Role]:
    """The problem that an event is about, None where it is about none, and what it is to it."""
    if event.kind in _BY_STATE:
        topic, bad = _BY_STATE[event.kind]
        return (topic.value, event.subject), Role.BEGINS if event.new == bad else Role.ENDS
    if event.kind in _KINDS:
        topic, role = _KINDS[event.kind]
        return (topic.value, event.subject), role
    return None, Role.NEWS


def name(key: Key) -> str:
    """A problem in words: "server rs1@www"."""
    return f"{key[0]} {key[1]}"
