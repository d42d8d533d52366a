"""Fencing before a takeover: whose release nobody heard is cut off first, by an operator's program.

Owns when that is due, and what its end means. The law: nobody is fenced who released, who handed over by name, or who is
heard and preempted; any advert or release that arrives meanwhile ends the wait. With `required` no takeover by silence
comes without a fencing that ended well; else one that failed is an alarm, and the takeover goes on.
"""

from failover.actions import Action, AskFencing, DropFencing, Say, Wants
from failover.doubling import doubled
from failover.moves import State
from failover.router import Router

GRACE = 2.0
"""Seconds beside the program's own time after which an answer is awaited no more."""
PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds from a failure to the next try: twice as many each time."""


def is_due(router: Router, now: float) -> bool:
    """Whether a takeover at this moment must wait for a fencing."""
    fence, spec = router.fence, router.spec.fence
    if spec is None or fence.cleared or router.asked or router.master_released or _is_preempted(router, now):
        return False
    if fence.continues and router.holding:
        return False
    return bool(victim(router)) or spec.at_start


def victim(router: Router) -> bytes:
    """The packed address of the master heard last, by us or by an earlier daemon; empty when there was none."""
    return router.heard.address if router.heard is not None else router.fence.known


def _is_preempted(router: Router, now: float) -> bool:
    return router.master_lives(now) and not router.hastened


def ask(router: Router, now: float) -> list[Action]:
    """Ask for it, once."""
    fence, spec = router.fence, router.spec.fence
    if spec is None or fence.until is not None:
        return []
    fence.asked += 1
    fence.until = now + spec.timeout + GRACE
    return [AskFencing(fence.asked, victim(router))]


def wake(router: Router, now: float) -> list[Action]:
    """Without an answer it has failed; but who stood still finds the answer among what waits to be read."""
    fence = router.fence
    if fence.until is None or now < fence.until:
        return []
    if now - fence.until > GRACE:
        fence.until = now + GRACE
        return []
    why = "nobody said how it ended"
    return [DropFencing(fence.asked, why), *ended(router, fence.asked, why, now)]


def ended(router: Router, number: int, failure: str, now: float) -> list[Action]:
    """The ask of this number has an answer: it went well, or failed with these words. An older one is no answer.

    `Election` sees to the takeover that may follow.
    """
    fence, spec = router.fence, router.spec.fence
    if spec is None or fence.until is None or number != fence.asked:
        return []
    fence.until = None
    if failure and spec.required:
        fence.failures, fence.failure = fence.failures + 1, failure
        pause = doubled(PAUSE, fence.failures - 1, LONGEST_PAUSE)
        router.wanting, router.down_at = False, now + pause
        return [Say(f"fencing failed ({failure}): no takeover, another try in {pause:.0f} s")]
    fence.rest()
    fence.cleared = f"fencing failed ({failure})" if failure else "the master heard last was fenced"
    router.down_at = now
    return [Wants()] if router.wanting else []


def heard(router: Router, now: float, *, release: bool) -> list[Action]:
    """A master or a release is heard: nothing waits for fencing any more. To be called before it has its effect."""
    fence = router.fence
    waited = fence.waits
    actions = fence.forget()
    if waited:
        router.down_at = None if release else now
    fence.continues = False
    return [*actions, Wants()] if waited and router.wanting else actions


def changed(router: Router, now: float) -> list[Action]:
    """A reload fences otherwise, or no more: whoever waits for it tries anew at once."""
    if router.fence.waits and router.state is State.BACKUP:
        router.down_at = now
    return router.fence.forget()
