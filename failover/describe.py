"""How a router stands, in the words of a report; core."""

from collections.abc import Iterator

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


def report(
    router: Router,
    now: float,
    *,
    trouble: str,
    hearing: Hearing,
    lateness: float,
    renewal: float,
    track: tuple[Seen, ...],
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
        old=old,
    )


def _text(address: bytes) -> str:
    return shown(address) if address else ""
