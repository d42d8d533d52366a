"""The states of a router and every legal move between them.

Owns the table that the election is checked against: a move that is not in it is a fault of the program and raises
before anything has changed. States are those of RFC 9568 section 6.4, and `fault`: something this director needs is missing.
"""

from enum import StrEnum


class State(StrEnum):
    """State of a router on this director."""

    INIT = "init"
    BACKUP = "backup"
    MASTER = "master"
    FAULT = "fault"


class Cause(StrEnum):
    """Why a router moves; a closed list, each with a text."""

    STARTED = "started"
    OWNER = "owner"
    MASTER_SILENT = "master_silent"
    MASTER_RELEASED = "master_released"
    MASTER_GONE = "master_gone"
    ASKED = "asked"
    PREEMPTING = "preempting"
    OUTRANKED = "outranked"
    OVERTAKEN = "overtaken"
    LEASE_LAPSED = "lease_lapsed"
    HANDED_OVER = "handed_over"
    GROUP_YIELDED = "group_yielded"
    FAULT_FOUND = "fault_found"
    FAULT_MENDED = "fault_mended"
    STOPPED = "stopped"

    @property
    def text(self) -> str:
        """The cause in words for people."""
        return _TEXTS[self]


_TEXTS = {
    Cause.STARTED: "started, listening for a master",
    Cause.OWNER: "this director owns the address",
    Cause.MASTER_SILENT: "no advert from a master within the master-down time",
    Cause.MASTER_RELEASED: "the master released the addresses",
    Cause.MASTER_GONE: "the master said that its daemon or its link is going",
    Cause.ASKED: "another director handed it over by name",
    Cause.PREEMPTING: "this director has the higher priority",
    Cause.OUTRANKED: "another director has the higher priority",
    Cause.OVERTAKEN: "another director took over while this one stood still",
    Cause.LEASE_LAPSED: "this director stood still for longer than its lease",
    Cause.HANDED_OVER: "handed over to another director",
    Cause.GROUP_YIELDED: "another router of the group cannot be master here",
    Cause.FAULT_FOUND: "fault",
    Cause.FAULT_MENDED: "the fault is gone, listening for a master",
    Cause.STOPPED: "stopped",
}

MOVES: dict[State, dict[Cause, State]] = {
    State.INIT: {
        Cause.STARTED: State.BACKUP,
        Cause.FAULT_FOUND: State.FAULT,
    },
    State.BACKUP: {
        Cause.OWNER: State.MASTER,
        Cause.MASTER_SILENT: State.MASTER,
        Cause.MASTER_RELEASED: State.MASTER,
        Cause.MASTER_GONE: State.MASTER,
        Cause.ASKED: State.MASTER,
        Cause.PREEMPTING: State.MASTER,
        Cause.FAULT_FOUND: State.FAULT,
        Cause.STOPPED: State.INIT,
    },
    State.MASTER: {
        Cause.OUTRANKED: State.BACKUP,
        Cause.OVERTAKEN: State.BACKUP,
        Cause.LEASE_LAPSED: State.BACKUP,
        Cause.HANDED_OVER: State.BACKUP,
        Cause.GROUP_YIELDED: State.BACKUP,
        Cause.FAULT_FOUND: State.FAULT,
        Cause.STOPPED: State.INIT,
    },
    State.FAULT: {
        Cause.FAULT_MENDED: State.BACKUP,
        Cause.STOPPED: State.INIT,
    },
}


class IllegalMove(Exception):
    """A move that the table does not allow: a fault of the program."""


def move(state: State, cause: Cause) -> State:
    """The state that `cause` leads to from `state`. Raises IllegalMove when there is none."""
    try:
        return MOVES[state][cause]
    except KeyError:
        raise IllegalMove(f"{state} does not move by {cause}") from None
