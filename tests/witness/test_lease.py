"""The lease of one key of an arbiter: what is asked when, and how long the key counts as ours."""

from failover.witness import KERNEL_LATE, LOCK, SHORTEST_WRITE
from hactl.witness.lease import AGAIN, NEVER, RENEWALS, WITHIN, Lease, Question, Reply, Verb, margin

TTL = 9
ME = "lb1 boot"


def granted(now: float = 0.0) -> Lease:
    """One with a lease, and no key."""
    lease = Lease(ME, TTL)
    answer(lease, Reply(lease=5, ttl=TTL), now)
    return lease


def answer(lease: Lease, reply: Reply | None, now: float, took: float = 0.0) -> Question:
    """What it asks now, answered."""
    question = lease.ask(now)
    assert question is not None
    lease.answered(question, reply, now, now + took)
    return question


def held(now: float = 0.0) -> Lease:
    """One that has the key."""
    lease = granted(now)
    lease.claim = 1
    assert answer(lease, Reply(holder=ME), now).verb is Verb.ACQUIRE
    return lease


def test_the_key_is_ours_from_the_moment_its_last_renewal_was_sent() -> None:
    """Not from the moment that the answer came."""
    lease = held()
    assert lease.until() == TTL - margin(TTL)
    assert answer(lease, Reply(ttl=TTL), 3.0, took=0.9).verb is Verb.RENEW
    assert lease.until() == 3.0 + TTL - margin(TTL)


def test_an_answer_that_does_not_come_prolongs_nothing() -> None:
    """It is asked again; when all was in vain there is a new lease, and the key is not ours."""
    lease = held()
    answer(lease, None, 3.0, took=1.0)
    assert lease.ask(4.05) is None
    assert lease.until() == TTL - margin(TTL)
    assert answer(lease, None, 4.4).verb is Verb.RENEW
    assert answer(lease, None, TTL + 0.1).verb is Verb.GRANT
    assert lease.until() == NEVER


def test_two_questions_may_be_lost() -> None:
    """The third still comes in time, with the shortest TTL that `check` takes for a VIP's lease of 2 s."""
    lease = Lease(ME, 9)
    answer(lease, Reply(lease=5, ttl=9), 0.0)
    lease.claim = 1
    answer(lease, Reply(holder=ME), 0.0)
    good = min(lease.seen_until(), lease.until() - 2.0 - KERNEL_LATE - LOCK) - SHORTEST_WRITE
    at = 9 / RENEWALS
    for _ in range(2):
        assert answer(lease, None, at, took=WITHIN).verb is Verb.RENEW
        at += WITHIN + AGAIN + 0.001
    assert at + 0.05 < good
    assert answer(lease, Reply(ttl=9), at).verb is Verb.RENEW


def test_a_shorter_lease_than_asked_for_counts() -> None:
    """And a longer one does not."""
    short, long = Lease(ME, TTL), Lease(ME, TTL)
    for lease, ttl in ((short, 4), (long, 60)):
        answer(lease, Reply(lease=5, ttl=ttl), 0.0)
        lease.claim = 1
        answer(lease, Reply(holder=ME), 0.0)
    assert short.until() == 4 - margin(4)
    assert long.until() == TTL - margin(TTL)


def test_what_is_given_up_is_not_ours_from_the_question_on() -> None:
    """Whatever comes of the revocation; it is asked again, and the next claim has a lease of its own."""
    lease = held()
    lease.claim = 0
    question = lease.ask(1.0)
    assert question == Question(Verb.REVOKE, 5)
    lease.claim = 2
    assert lease.until() == NEVER
    lease.answered(question, None, 1.0, 2.0)
    assert answer(lease, Reply(), 3.0) == Question(Verb.REVOKE, 5)
    assert answer(lease, Reply(lease=6, ttl=TTL), 3.0).verb is Verb.GRANT
    assert answer(lease, Reply(holder=ME), 3.0) == Question(Verb.ACQUIRE, 6)
    assert lease.until() == 3.0 + TTL - margin(TTL)


def test_an_acquisition_without_an_answer_is_cleared_away() -> None:
    """It may have been made: who claims no more revokes the lease all the same."""
    lease = granted()
    lease.claim = 1
    answer(lease, None, 1.0)
    assert lease.until() == NEVER
    lease.claim = 0
    assert answer(lease, Reply(), 2.0).verb is Verb.REVOKE


def test_somebody_elses_key_is_asked_for_again_and_named() -> None:
    """While the lease itself is renewed."""
    lease = granted()
    lease.claim = 1
    answer(lease, Reply(holder="lb2 boot"), 0.0)
    assert (lease.holder, lease.until(), lease.ask(0.05)) == ("lb2 boot", NEVER, None)
    assert answer(lease, Reply(holder="lb2 boot"), 0.2).verb is Verb.ACQUIRE
    assert answer(lease, Reply(ttl=TTL), 3.1).verb is Verb.RENEW


def test_a_lease_that_the_arbiter_does_not_know_is_lost() -> None:
    """By a renewal that says so."""
    lease = held()
    answer(lease, Reply(ttl=0), 3.0)
    assert lease.until() == NEVER
    assert answer(lease, Reply(lease=6, ttl=TTL), 3.0).verb is Verb.GRANT


def test_what_a_dead_worker_holds_is_renewed_no_more() -> None:
    """Nobody else is there to take the VIPs off: the kernel does, and then the key ends."""
    lease = held()
    lease.alive = False
    assert lease.ask(4.0) is None
    assert lease.due(4.0) > 4.0
