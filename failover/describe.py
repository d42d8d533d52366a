"""How a router stands, in the words of a report; core."""

from collections.abc import Iterator

from failover import fencing
from failover.actions import AskFencing, DropFencing
from failover.fence_words import FenceAsk, FenceAsked, FenceDropped
from failover.hearing import Hearing
from failover.host import shown
from failover.moves import State
from failover.priority import Seen
from failover.report import Conflict, RouterReport
from failover.router import Router
from failover.spec import Standby


def reason(router: Router, trouble: str = "") -> str:
    """Why the router is in its state, for people; `trouble` is what went wrong in performing it."""
    detail = "; ".join(part for part in (router.detail, trouble) if part)
    why = f"{router.cause.text}: {detail}" if detail else router.cause.text
    return "; ".join([why, *_restraints(router)])


def _restraints(router: Router) -> Iterator[str]:
    if router.unproven and router.state is State.BACKUP:
        yield "its first round of checks is not finished, so it does not preempt yet"
    if router.standby is not Standby.OFF:
        yield "this director is in standby"
    whom = _text(fencing.victim(router)) or "the other directors"
    if router.fence.until is not None:
        yield f"fencing {whom} before a takeover"
    if router.fence.failure:
        times = f" ({router.fence.failures} times)" if router.fence.failures > 1 else ""
        yield f"no takeover, for fencing {whom} failed{times}: {router.fence.failure}"
    if router.awaiting:
        yield f"waiting for its witness{': ' if router.permit.reason else ''}{router.permit.reason}"


def master_address(router: Router, now: float) -> str:
    """The director believed master, empty when none was heard lately."""
    if router.state is State.MASTER:
        return _text(router.address)
    heard = router.heard
    if heard is None or now - heard.at > router.spec.down_after * heard.interval + 1.0:
        return ""
    return _text(heard.address)


def conflict(router: Router, address: bytes, priority: int) -> Conflict:
    """A second master, which advertises from this packed address with this priority."""
    other = _text(address)
    reason = f"{other} advertises with priority {priority}, below ours ({router.priority})"
    return Conflict(router.spec.name, other, reason)


def fence_ask(name: str, action: AskFencing | DropFencing) -> FenceAsk:
    """What the router of this name asks of whoever runs programs, or asks no more."""
    if isinstance(action, AskFencing):
        return FenceAsked(name, action.number, _text(action.master))
    return FenceDropped(name, action.number, action.failure)


def report(
    router: Router,
    now: float,
    *,
    trouble: str,
    hearing: Hearing,
    lateness: float,
    renewal: float,
    track: tuple[Seen, ...],
    claim: int,
    old: State | None,
) -> RouterReport:
    """Everything that status shows of the router."""
    vips = router.spec.addresses if router.holding else ()
    return RouterReport(
        router=router.spec.name,
        state=router.state,
        cause=router.cause,
        reason=reason(router, "; ".join(filter(None, (trouble, hearing.text(now))))),
        since=router.since,
        priority=router.priority,
        base_priority=router.spec.priority,
        master=master_address(router, now),
        transitions=router.transitions,
        drops=dict(hearing.refusals.counts),
        lateness=lateness,
        renewal=renewal,
        neighbours=dict(hearing.neighbours),
        checksums={address: form.value for address, form in hearing.checksums.items()},
        lease=router.lease,
        holding=tuple(vip.address for vip in vips),
        hold_until=router.hold_until,
        hold_for=_text(router.hold_for),
        rival=_text(router.rival_now(now)),
        track=track,
        claim=claim,
        old=old,
    )


def _text(address: bytes) -> str:
    return shown(address) if address else ""
