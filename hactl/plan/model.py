"""A plan as a value: every change with its effect, and whatever would be refused.

The law: the effect of each change is one of a closed list, and what cannot be said in a word is said in `note`.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Section(StrEnum):
    """What kind of thing changes, in the file's words."""

    DIRECTOR = "directors"
    ROUTER = "routers"
    GROUP = "groups"
    PEER = "peer"
    SERVICE = "services"
    SERVER = "servers"
    CHECK = "checks"
    CHANNEL = "notify"
    SETTING = "settings"
    SECRET = "secrets"


class Kind(StrEnum):
    """How a thing of the old file compares with the new one."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"


class Effect(StrEnum):
    """What the change does to what runs."""

    START = "start"
    STOP = "stop"
    ADOPT = "adopt"
    RESTART = "restart"
    ENTER = "enter"
    ENTER_WHEN_CHECKED = "enter-when-checked"
    LEAVE = "leave"
    REPLACE = "replace"
    IN_PLACE = "in-place"
    STAY = "stay"
    CHECKED_ANEW = "checked-anew"
    CHANNEL_OFF = "channel-off"
    AT_ONCE = "at-once"
    NEXT_START = "next-start"
    NEVER = "never"

    @property
    def text(self) -> str:
        """The effect in words for people."""
        return _TEXTS[self]


_TEXTS = {
    Effect.START: "starts: listens first, then takes part in the election",
    Effect.STOP: "stops here: hands its addresses over, then takes them off",
    Effect.ADOPT: "goes on with the new values",
    Effect.RESTART: "becomes another router on the wire: the old one hands over and ends, the new one starts",
    Effect.ENTER: "enters the table",
    Effect.ENTER_WHEN_CHECKED: "enters the table after its first passed check",
    Effect.LEAVE: "leaves the table",
    Effect.REPLACE: "another place in the table: the old one leaves, the new one enters",
    Effect.IN_PLACE: "changed in place, connections stay",
    Effect.STAY: "stays in the table, its verdicts are told anew",
    Effect.CHECKED_ANEW: "checked anew; who serves goes on serving until a check has failed",
    Effect.CHANNEL_OFF: "ends; alerts that still wait for it are dropped",
    Effect.AT_ONCE: "takes effect at once",
    Effect.NEXT_START: "takes effect when the daemon is started again",
    Effect.NEVER: "cannot change while running",
}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One value that differs, as an operator reads it. `old` or `new` None: there was, or will be, none."""

    path: str
    old: str | None
    new: str | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that changes. `differences` is given for a changed one, `on` for a check: the servers that it is about."""

    section: Section
    name: str
    kind: Kind
    effect: Effect
    text: str
    note: str = ""
    differences: tuple[Difference, ...] = ()
    on: tuple[str, ...] = ()


class RefusalReason(StrEnum):
    """Why a reload is refused."""

    FAULTY = "faulty"
    STRANGER = "stranger"
    FIXED = "fixed"
    MASS_REMOVAL = "mass-removal"
    WORKER = "worker"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why the reload would be refused; `forceable`: not with --force."""

    reason: RefusalReason
    text: str
    forceable: bool = False


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the running daemon: routers that are master, connections by "SERVER@SERVICE"."""

    masters: frozenset[str] = frozenset()
    connections: Mapping[str, int] = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload of `file` would do. `ok`: it would be applied; else `refused` or `faults` say why not."""

    file: str
    ok: bool
    changes: tuple[Change, ...] = ()
    refused: tuple[Refusal, ...] = ()
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def change(
    section: Section,
    name: str,
    kind: Kind,
    effect: Effect,
    *,
    note: str = "",
    differences: tuple[Difference, ...] = (),
    on: tuple[str, ...] = (),
) -> Change:
    """A change whose text is its effect's."""
    return Change(
        section=section,
        name=name,
        kind=kind,
        effect=effect,
        text=effect.text,
        note=note,
        differences=differences,
        on=on,
    )
