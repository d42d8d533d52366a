"""What the reconciler remembers, and what it does in one pass: plan, judge what the kernel refused, tell.

The law: an operation that the kernel refuses never holds up another; what somebody else changed is put right
and told once; what this program changed itself is never told as somebody's.
"""

import errno
from collections.abc import Mapping, Sequence

import msgspec

from hactl.ipvs import ownership, plan
from hactl.ipvs.errors import TRANSIENT
from hactl.ipvs.model import Entry, ServiceKey, Table
from hactl.ipvs.ops import AddServer, AddService, DeleteServer, MoveServer, Op, SetService, Target, target
from hactl.ipvs.ownership import Owned

SOON, FIRST_DELAY, LONGEST_DELAY = 0.4, 1.0, 60.0
"""Seconds until a refused operation is tried again: a passing refusal, any other at first, and at last."""
_RACES = frozenset({errno.EEXIST, errno.ENOENT, errno.ESRCH})


class Refusal(msgspec.Struct, frozen=True):
    """An operation that the kernel refused: errno, and the kernel's own words where it has any."""

    op: Op
    code: int
    text: str = ""


class Trouble(msgspec.Struct, frozen=True):
    """A refusal that stands: the same operation is left out until `until` (monotonic seconds), `delay` seconds this time."""

    refusal: Refusal
    delay: float
    until: float


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is carried from pass to pass.

    `written` is what the kernel was left with as far as this program knows, None before the first pass. `stale`: that
    belief proved wrong, so the kernel must be read.
    """

    owned: Owned = frozenset()
    written: Table | None = None
    stale: bool = False
    troubles: Mapping[Target, Trouble] = {}

    @property
    def must_read(self) -> bool:
        """Whether the next pass cannot rest on what is believed."""
        return self.stale or self.written is None


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One pass as planned.

    `claim` is to be stored before `ops` are performed; `postponed` are left out because they were refused lately;
    `mends` undo what somebody else did. `fresh`: the plan rests on `base` as it was just read.
    """

    base: Table
    fresh: bool
    ops: tuple[Op, ...]
    postponed: tuple[Op, ...]
    claim: Owned
    mends: tuple[Op, ...]


class Repaired(msgspec.Struct, frozen=True):
    """Somebody else had changed the table; `mends` are the operations that put it right."""

    mends: tuple[Op, ...]


class Refused(msgspec.Struct, frozen=True):
    """The kernel refuses an operation; it is tried again from time to time. Told once for each cause."""

    refusal: Refusal


class Mended(msgspec.Struct, frozen=True):
    """What was refused has been done; `refusal` is the former one."""

    refusal: Refusal


PassReport = Repaired | Refused | Mended


def plan_pass(memory: Memory, desired: Table, actual: Table | None, now: float) -> Pass:
    """What is to be done now. `actual` is what was just read; None rests on what is believed."""
    base = memory.written or {} if actual is None else actual
    claim = ownership.claim(memory.owned, desired)
    ops, postponed = _postpone(plan.diff(base, desired, claim), memory.troubles, now)
    mends: tuple[Op, ...] = ()
    if actual is not None and memory.written is not None:
        mends = plan.diff(actual, memory.written, memory.owned)
    return Pass(base=base, fresh=actual is not None, ops=ops, postponed=postponed, claim=claim, mends=mends)


def _postpone(
    ops: tuple[Op, ...], troubles: Mapping[Target, Trouble], now: float
) -> tuple[tuple[Op, ...], tuple[Op, ...]]:
    """What can be done now, and what waits: the very operations that were refused, servers of missing services, and
    moves behind a server that is not there yet."""
    waiting = {trouble.refusal.op for trouble in troubles.values() if trouble.until > now}
    if not waiting:
        return ops, ()
    missing = {op.key for op in waiting if isinstance(op, AddService) and op in ops}
    gaps = {op.key for op in waiting if isinstance(op, AddServer) and op in ops}

    def waits(op: Op) -> bool:
        return op in waiting or op.key in missing or (isinstance(op, MoveServer) and op.key in gaps)

    return tuple(op for op in ops if not waits(op)), tuple(op for op in ops if waits(op))


def after_pass(
    memory: Memory, done: Pass, desired: Table, refusals: Sequence[Refusal], now: float
) -> tuple[Memory, tuple[PassReport, ...]]:
    """What is remembered once the operations were performed but for `refusals`, and what is told."""
    causes = _causes(refusals)
    raced = [refusal for refusal in causes if not done.fresh and _is_race(refusal)]
    standing = [refusal for refusal in causes if refusal not in raced]
    troubles, told = _next_troubles(memory, done, standing, now)
    written = _next_written(done, desired, refusals)
    return (
        Memory(
            owned=ownership.release(done.claim, desired, written),
            written=written,
            stale=bool(raced),
            troubles=troubles,
        ),
        (*((Repaired(done.mends),) if done.mends else ()), *told),
    )


def _is_race(refusal: Refusal) -> bool:
    """Whether the refusal only says that the table is not as believed; ENOENT for an added service is its scheduler."""
    if refusal.code == errno.ENOENT and isinstance(refusal.op, AddService | SetService):
        return False
    return refusal.code in _RACES


def _causes(refusals: Sequence[Refusal]) -> list[Refusal]:
    """The refusals without those that follow from a service that could not be added."""
    missing = {refusal.op.key for refusal in refusals if isinstance(refusal.op, AddService)}
    return [r for r in refusals if isinstance(r.op, AddService) or r.op.key not in missing]


def _next_troubles(
    memory: Memory, done: Pass, refused: Sequence[Refusal], now: float
) -> tuple[dict[Target, Trouble], list[PassReport]]:
    still = {target(op) for op in done.postponed}
    troubles = {about: trouble for about, trouble in memory.troubles.items() if about in still}
    told: list[PassReport] = []
    for refusal in refused:
        about = target(refusal.op)
        before = memory.troubles.get(about)
        delay = _delay(refusal, before)
        troubles[about] = Trouble(refusal, delay, now + delay)
        if before is None or before.refusal != refusal:
            told.append(Refused(refusal))
    tried = {target(op) for op in done.ops}
    for about, trouble in memory.troubles.items():
        if about in tried and about not in troubles:
            told.append(Mended(trouble.refusal))
    return troubles, told


def _delay(refusal: Refusal, before: Trouble | None) -> float:
    if refusal.code in TRANSIENT or _is_race(refusal):
        return SOON
    return FIRST_DELAY if before is None else min(2 * before.delay, LONGEST_DELAY)


def _next_written(done: Pass, desired: Table, refusals: Sequence[Refusal]) -> dict[ServiceKey, Entry]:
    """The wished table, but for services with postponed or refused operations: there what the others left."""
    written = dict(desired)
    refused = {id(refusal.op) for refusal in refusals}
    for key in {op.key for op in done.postponed} | {refusal.op.key for refusal in refusals}:
        tried = [_halved(op) if id(op) in refused else op for op in done.ops if op.key == key]
        performed = [op for op in tried if op is not None]
        left = plan.applied(done.base.get(key), performed)
        written.pop(key, None)
        if left is not None:
            written[key] = left
    return written


def _halved(op: Op) -> Op | None:
    """What is left of a refused operation: of a move, that the server was taken out."""
    return DeleteServer(op.key, op.server) if isinstance(op, MoveServer) else None


def next_try(memory: Memory) -> float | None:
    """When a refused operation is to be tried again (monotonic seconds); None when there is none."""
    return min((trouble.until for trouble in memory.troubles.values()), default=None)
