"""What the kernel's schedulers demand of whoever fills the table.

Owns the facts that differ by scheduler: names, flags, and which of them may see a server at weight 0. The
law: a scheduler that maps clients to servers by a hash never loses traffic because a server is down or
drained.
"""

from collections.abc import Iterable
from enum import IntFlag

SCHEDULERS = (
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos",
)  # fmt: skip
"""Every scheduler name of Linux 6.x."""

_KEEPS_PLACES = frozenset({"mh", "sh"})
_NEVER_AT_ZERO = frozenset({"dh"})


class SchedulerFlag(IntFlag):
    """The three flags a scheduler may have; mh and sh name the first two."""

    NONE = 0
    FALLBACK = 1
    PORT = 2
    THIRD = 4


_FLAG_NAMES = {
    "fallback": SchedulerFlag.FALLBACK,
    "port": SchedulerFlag.PORT,
    "flag-1": SchedulerFlag.FALLBACK,
    "flag-2": SchedulerFlag.PORT,
    "flag-3": SchedulerFlag.THIRD,
}


def flags_named(scheduler: str, names: Iterable[str]) -> SchedulerFlag:
    """The flags written as `mh-fallback`, `sh-port`, `flag-3` or without the scheduler's prefix; KeyError for
    others.

    mh and sh always get the fallback flag: without it they drop what hashes to a server at weight 0.
    """
    flags = SchedulerFlag.FALLBACK if keeps_places(scheduler) else SchedulerFlag.NONE
    for name in names:
        flags |= _FLAG_NAMES[name.removeprefix(f"{scheduler}-")]
    return flags


def flag_words(scheduler: str, flags: SchedulerFlag) -> tuple[str, ...]:
    """The flags as ipvsadm prints them."""
    prefix = {"mh": "mh-", "sh": "sh-"}.get(scheduler)
    first, second = (f"{prefix}fallback", f"{prefix}port") if prefix else ("flag-1", "flag-2")
    words = {SchedulerFlag.FALLBACK: first, SchedulerFlag.PORT: second, SchedulerFlag.THIRD: "flag-3"}
    return tuple(word for flag, word in words.items() if flag & flags)


def keeps_places(scheduler: str) -> bool:
    """Whether every server stays in the table, at weight 0 when unfit, so that all directors hash alike."""
    return scheduler in _KEEPS_PLACES


def allows_zero(scheduler: str) -> bool:
    """Whether a server may stand at weight 0: dh drops all that hashes to such a server and has no fallback."""
    return scheduler not in _NEVER_AT_ZERO


def scheduler_module(name: str) -> str:
    """The kernel module that a scheduler is in."""
    return f"ip_vs_{name}"
