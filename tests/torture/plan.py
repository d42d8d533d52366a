"""The campaign on paper: which faults a round holds, and what each excuses.

Its law: a round follows from seed, number and directors alone, so that a seed replays the same faults. Times in
seconds; `at` counts from the round's beginning.
"""

import enum
import math
from random import Random

import msgspec

LEASE = 2.0
TAKEOVER = 0.5
"""Master-down time of the slowest peer (0.46 s at adverts of 100 ms), and the taking."""
PROCESSES = ("supervisor", "failover", "health-0", "notify", "programs", "reader")


class Kind(enum.StrEnum):
    """What the campaign does to a director, its cables, its host."""

    KILL = "SIGKILL of a process"
    KILL_ALL = "SIGKILL of all processes"
    KILL_AT_CALL = "SIGKILL at a system call"
    KILL_IN_START = "SIGKILL at a system call of the start"
    FREEZE = "SIGSTOP of a process"
    FREEZE_ALL = "SIGSTOP of all processes"
    SPLIT = "cut off from all, carrier stays"
    DEAF = "hears nothing on the LAN"
    MUTE = "is heard by nobody on the LAN"
    CLIENT_ONLY = "cut off from the client only"
    PEERS_ONLY = "cut off from the directors only"
    LINK_ONLY = "cut off on the directors' own cable only"
    ADVERTS_ONLY = "loses adverts only"
    LOSS = "loses some of all frames"
    JITTER = "delay and overtaking"
    DUPLICATES = "duplicated frames"
    CABLE = "cable pulled"
    INTERFACE_DOWN = "interface set down"
    INTERFACE_ANEW = "interface removed and created anew"
    NEW_MAC = "MAC changed"
    DISK_FULL = "disk full"
    NO_DESCRIPTORS = "out of file descriptors"
    NO_MEMORY = "out of memory"
    CALLS_FAIL = "system calls fail"
    EVENTS_LOST = "netlink events lost"
    VIP_REMOVED = "VIP removed by hand"
    RELOAD = "reload with a change"
    BAD_RELOAD = "reload of a broken file"
    HANGUP = "SIGHUP without a change"
    STOP = "orderly stop, later a start"
    UPGRADE = "orderly stop, start of another version"
    HANDOVER = "handover and resume"
    STANDBY = "standby and resume"


WEIGHTS = {
    Kind.KILL: 12, Kind.KILL_ALL: 8, Kind.KILL_AT_CALL: 14, Kind.KILL_IN_START: 6, Kind.FREEZE: 8,
    Kind.FREEZE_ALL: 6, Kind.SPLIT: 4, Kind.DEAF: 3, Kind.MUTE: 3, Kind.CLIENT_ONLY: 2, Kind.PEERS_ONLY: 3,
    Kind.LINK_ONLY: 2, Kind.ADVERTS_ONLY: 3, Kind.LOSS: 3, Kind.JITTER: 3, Kind.DUPLICATES: 2, Kind.CABLE: 4,
    Kind.INTERFACE_DOWN: 4, Kind.INTERFACE_ANEW: 4, Kind.NEW_MAC: 3, Kind.DISK_FULL: 3,
    Kind.NO_DESCRIPTORS: 4, Kind.NO_MEMORY: 3, Kind.CALLS_FAIL: 8, Kind.EVENTS_LOST: 4, Kind.VIP_REMOVED: 5,
    Kind.RELOAD: 5, Kind.BAD_RELOAD: 2, Kind.HANGUP: 3, Kind.STOP: 5, Kind.UPGRADE: 3, Kind.HANDOVER: 4,
    Kind.STANDBY: 3,
}  # fmt: skip

CALLS = (
    "%network", "sendto", "sendmsg", "recvmsg", "recvfrom", "read", "write", "epoll_wait", "epoll_ctl", "openat",
    "close", "socket", "bind", "setsockopt", "fsync", "fdatasync", "rename", "futex", "clock_nanosleep", "mmap",
    "wait4", "poll", "fcntl", "getpid", "timerfd_settime", "all",
)  # fmt: skip
FAILING = ("sendto", "sendmsg", "recvfrom", "recvmsg", "openat", "write", "fsync", "socket", "bind")
ERRORS = ("ENOBUFS", "ENOMEM", "EINTR", "EIO", "ENOSPC", "EPERM", "ENETDOWN", "EAGAIN")

WITHOUT_EFFECT = frozenset(
    {Kind.DISK_FULL, Kind.LINK_ONLY, Kind.DUPLICATES, Kind.BAD_RELOAD, Kind.HANGUP, Kind.RELOAD}
)
"""Nothing of these may move a VIP."""
ORDERLY = frozenset({Kind.STOP, Kind.UPGRADE, Kind.HANDOVER, Kind.STANDBY})
"""What an operator does: nobody may notice."""
HOLDING = frozenset({Kind.HANDOVER, Kind.STANDBY})
"""These keep a director back until somebody says otherwise."""
ROUGH = frozenset({Kind.NO_MEMORY, Kind.NO_DESCRIPTORS, Kind.CALLS_FAIL, Kind.KILL_IN_START})
"""A traceback is a permitted answer to these."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `process`, `call`, `error`, `number` as the kind needs them."""

    kind: Kind
    subject: str
    at: float = 0.0
    lasts: float = 0.0
    process: str = ""
    call: str = ""
    error: str = ""
    number: int = 0
    amount: float = 0.0

    @property
    def moves_nothing(self) -> bool:
        """Whether a VIP that moves because of it is a fault of ours."""
        aside = self.kind in (Kind.KILL, Kind.FREEZE, Kind.KILL_AT_CALL) and self.process in (
            "health-0",
            "notify",
            "programs",
            "reader",
        )
        return aside or self.kind in WITHOUT_EFFECT


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """Faults of one round, in order of time; then all is mended, and quiet must return."""

    number: int
    directors: tuple[str, ...]
    faults: tuple[Fault, ...]
    restart_after: float
    """A supervisor that died is started again after this, as systemd does."""


def round_of(seed: int, number: int, directors: tuple[str, ...], longest: float = 60.0) -> Round:
    """The round with this number: one fault in most, up to four at once in others."""
    dice = Random(f"{seed}/{number}/{len(directors)}")
    count = dice.choices((1, 2, 3, 4), (60, 25, 10, 5))[0]
    faults = [_fault(dice, directors, longest) for _ in range(count)]
    return Round(
        number=number,
        directors=directors,
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
        restart_after=dice.choice((0.0, 0.2, 0.2, 1.0)),
    )


def _fault(dice: Random, directors: tuple[str, ...], longest: float) -> Fault:
    kind = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    common = {
        "kind": kind,
        "subject": dice.choices(directors, [3, *[1] * (len(directors) - 1)])[0],
        "at": round(dice.uniform(0.0, 1.5), 3),
        "lasts": _duration(dice, kind, longest),
        "process": dice.choices(PROCESSES, (5, 8, 2, 3, 1, 1))[0],
        "call": dice.choice(FAILING if kind is Kind.CALLS_FAIL else CALLS),
        "error": dice.choice(ERRORS),
        "number": int(10 ** dice.uniform(0.0, 3.5 if kind is Kind.KILL_IN_START else 2.0)),
        "amount": round(dice.uniform(0.02, 0.9), 2),
    }
    return msgspec.convert(common, Fault)


def _duration(dice: Random, kind: Kind, longest: float) -> float:
    """Short ones mostly; only what stands still or is cut off may last for long."""
    most = {Kind.FREEZE: longest, Kind.FREEZE_ALL: longest, Kind.SPLIT: longest / 4}.get(kind, 5.0)
    return round(0.1 * math.pow(most / 0.1, dice.random()), 3)
