"""What witnesses allow a router: to be master, and for how long; core.

Owns the permission's rules. The law: permission is a moment, never a yes; whoever does not confirm it in time has taken it
back. A director that does not see its witnesses is in fault and renews nothing. Where the witness is an arbiter, a lease
that one director has at a time, the VIPs are on only while that lease is surely ours: every write of them is over, and the
kernel has ended its own lease, before the arbiter's can end. So there break comes before make.
"""

import math

from failover.actions import Action, AskWitness, Say, SendAdvert
from failover.moves import State
from failover.permit import NOTHING
from failover.router import NEVER, Router

KERNEL_LATE = 1.5
"""Seconds by which the kernel may be late to end a lease (measured: 0.6; 1.3 where it had looked a moment before)."""
LOCK = 0.5
"""Seconds that a write of addresses may wait in the kernel once it was begun."""
SHORTEST_WRITE = 0.05
COURT = 1.5
"""Seconds and five intervals in which a better director asks the master by adverts to give way."""
COURT_AGAIN = 30.0
"""Seconds until a master that did not give way is asked again."""


def is_exclusive(router: Router) -> bool:
    """Whether an arbiter's lease says who may have the VIPs."""
    return router.spec.witness is not None and bool(router.spec.witness.key)


def good_until(router: Router) -> float:
    """Before this moment (monotonic seconds) a lease of the VIPs must have been written."""
    if router.spec.witness is None:
        return math.inf
    permit = router.permit
    if not is_exclusive(router):
        return permit.seen_until
    key = permit.key_until if permit.claim and permit.claim == router.claim else NEVER
    return min(permit.seen_until, key - router.spec.lease - KERNEL_LATE - LOCK)


def may_take(router: Router, now: float) -> bool:
    """Whether this director may become master now."""
    return now + SHORTEST_WRITE < good_until(router)


def may_hold(router: Router, now: float) -> bool:
    """Whether the VIPs may be put on or renewed. With an arbiter only by the master, for nobody else may follow then."""
    if is_exclusive(router) and router.state is not State.MASTER:
        return False
    return may_take(router, now)


def fault(router: Router, now: float) -> str | None:
    """What witnesses say against this router as it stands, None for nothing; before their first word it just waits."""
    permit = router.permit
    if router.spec.witness is None or permit is NOTHING:
        return None
    if now >= permit.seen_until:
        return (
            f"its witnesses are not seen: {permit.lacks or permit.reason or 'whoever asks them says nothing'}"
        )
    if is_exclusive(router) and router.state is State.MASTER and not may_take(router, now):
        return f"the witness's lease is not ours any more{': ' if permit.reason else ''}{permit.reason}"
    return None


def look_at(router: Router, now: float) -> float | None:
    """When `fault` may say something else although nothing was heard."""
    if router.spec.witness is None:
        return None
    due = [router.permit.seen_until]
    if is_exclusive(router) and router.state is State.MASTER:
        due.append(good_until(router) - SHORTEST_WRITE)
    return min((at for at in due if at > now), default=None)


def claims(router: Router) -> bool:
    """Whether this router needs the arbiter's lease, as far as the election knows."""
    return is_exclusive(router) and (router.state is State.MASTER or router.holding or router.awaiting)


def number(router: Router, now: float, *, needed: bool) -> int:
    """The claim in force, 0 for none. What was allowed for an earlier one is not allowed for this."""
    if not needed:
        router.claim = 0
    elif not router.claim:
        router.claim = max(1, int(now * 1e6))
    return router.claim


def ask(router: Router, now: float) -> list[Action]:
    """The time has come to take over, and the witness does not allow it yet."""
    if router.awaiting:
        return []
    router.awaiting, router.wanting = True, False
    if router.hears_somebody(now) and not (router.master_released or router.hastened):
        court(router, now)
    return [AskWitness()]


def court(router: Router, now: float) -> None:
    """A master lives that we are to preempt: it gives the lease up when it hears us."""
    if router.court_until is None:
        router.court_at = now
        router.court_until = now + COURT + 5 * router.spec.advert_interval


def forgo(router: Router) -> None:
    """Wait for the witness no more."""
    router.awaiting = False
    router.court_at = router.court_until = None


def wake(router: Router, now: float) -> list[Action]:
    """While the witness's word is awaited: let the master hear us, but not for ever."""
    if router.court_until is None:
        return []
    if now >= router.court_until:
        forgo(router)
        router.preempt_at = now + COURT_AGAIN
        router.down_at = now + router.master_down_from(router.master_interval)
        return [AskWitness(), Say("the master did not give way; it is asked again later")]
    if router.court_at is not None and now >= router.court_at:
        router.court_at = now + router.spec.advert_interval
        return [SendAdvert(router.priority)]
    return []
