"""What witnesses allow an election: taking over, renewing, and giving way; every moment in monotonic seconds."""

import ipaddress

from failover.actions import AskWitness, DropAddresses, HoldAddresses, SendAdvert, Stopped
from failover.election import Election
from failover.moves import State
from failover.packet import RELEASE, Advert
from failover.permit import Permit
from failover.spec import WitnessSpec
from failover.witness import KERNEL_LATE, LOCK, fault, is_exclusive, look_at
from support.failover import router_spec

US, OTHER = (ipaddress.IPv4Address(f"10.99.0.{n}").packed for n in (1, 2))
DOWN = 0.36
KEY = WitnessSpec(key="hactl/web/router/web")


def election(witness: WitnessSpec = KEY) -> Election:
    """A started router with a lease of 2 s, whose master-down time is over after a second."""
    made = Election(router_spec(witness=witness, lease=2, priority=150), US)
    made.start(0.0)
    return made


def advert(priority: int) -> Advert:
    """Another director's word."""
    return Advert(version=3, vrid=51, priority=priority, interval=0.1, addresses=())


def claimed(made: Election, until: float) -> Permit:
    """The arbiter's lease is ours for the claim that this router has."""
    made.router.claim = made.router.claim or 7
    return Permit(seen_until=1e9, key_until=until, claim=made.router.claim)


def master(until: float = 100.0) -> Election:
    """One that has taken over."""
    made = election()
    made.wake(DOWN)
    made.set_permit(claimed(made, until), DOWN)
    assert made.router.state is State.MASTER
    made.taken(DOWN)
    return made


def test_without_a_permit_it_asks_and_takes_nothing() -> None:
    """And takes over at once when it is allowed."""
    made = election()
    assert made.wake(DOWN) == [AskWitness()]
    assert made.wake(DOWN + 5) == []
    assert made.router.awaiting
    actions = made.set_permit(claimed(made, 100.0), DOWN + 5)
    assert any(isinstance(action, HoldAddresses) for action in actions)
    assert made.router.state is State.MASTER


def test_a_lease_for_an_earlier_claim_allows_nothing() -> None:
    """It was given up meanwhile, perhaps to somebody else."""
    made = election()
    made.wake(DOWN)
    made.router.claim = 8
    assert made.set_permit(Permit(seen_until=1e9, key_until=100.0, claim=7), DOWN) == []
    assert made.router.state is State.BACKUP


def test_every_write_ends_and_expires_before_the_arbiters_lease() -> None:
    """The last moment of a write, the kernel's lease and its lateness are all within it; then nothing is renewed."""
    made = master(until=10.0)
    last = 10.0 - 2 - KERNEL_LATE - LOCK
    at = DOWN
    while made.router.holding and at < 12.0:
        for action in made.wake(at):
            if isinstance(action, HoldAddresses):
                assert action.void_after + action.lease + KERNEL_LATE + LOCK <= 10.0 + 1e-9
                assert at < last
        at += 0.01
    assert not made.router.holding
    assert at < 10.0


def test_a_master_whose_lease_ends_is_in_fault_and_says_when_to_look() -> None:
    """Not before, and not because of what a backup lacks."""
    made = master(until=10.0)
    assert fault(made.router, 5.8) is None
    assert look_at(made.router, 5.8) is not None
    why = fault(made.router, 6.0)
    assert why == "the witness's lease is not ours any more"
    actions = made.set_fault(why, 6.0)
    assert DropAddresses() in actions
    assert SendAdvert(RELEASE) in actions
    backup = election()
    backup.set_permit(Permit(seen_until=50.0), 0.0)
    assert fault(backup.router, 6.0) is None
    assert "not seen: the gateway" in (backup_fault(backup) or "")


def backup_fault(made: Election) -> str | None:
    """What is said once the witnesses are gone."""
    made.set_permit(Permit(seen_until=5.0, reason="the gateway"), 0.0)
    return fault(made.router, 5.0)


def test_before_the_first_word_there_is_no_fault() -> None:
    """But no mastership either."""
    made = election(WitnessSpec())
    assert not is_exclusive(made.router)
    assert fault(made.router, 100.0) is None
    made.wake(DOWN)
    assert made.router.state is State.BACKUP


def test_seen_witnesses_let_a_router_hold_without_a_lease_and_stop_its_renewals() -> None:
    """Who is cut off releases, keeps its VIPs until a successor is heard, and loses them by the kernel's clock."""
    made = election(WitnessSpec())
    made.set_permit(Permit(seen_until=5.0), 0.0)
    made.wake(DOWN)
    assert made.router.state is State.MASTER
    made.taken(DOWN)
    for tick in range(400):
        made.wake(DOWN + tick / 100)
    actions = made.set_fault(fault(made.router, 5.0), 5.0)
    assert SendAdvert(RELEASE) in actions
    assert DropAddresses() not in actions
    later = [action for tick in range(300) for action in made.wake(5.0 + tick / 100)]
    assert not any(isinstance(action, HoldAddresses) for action in later)
    assert DropAddresses() in later


def test_a_handover_breaks_before_it_makes() -> None:
    """The VIPs go at once, so that the lease may be passed on; without a successor they are taken again later."""
    made = master()
    actions = made.release(2.0, hold=3600.0, within=2.0)
    assert DropAddresses() in actions
    assert made.router.state is State.BACKUP
    assert made.stop(2.1)[-1:] == [Stopped()]
    other = master()
    stopped = other.stop(2.0)
    assert stopped.count(SendAdvert(RELEASE)) == 3
    assert DropAddresses() in stopped


def test_a_better_director_asks_the_master_to_give_way_but_not_for_ever() -> None:
    """It advertises without the VIPs; a master that does not yield is left alone for a while."""
    made = election()
    at = 0.05
    while at < DOWN:
        made.receive(advert(100), OTHER, at)
        at += 0.1
    said: list[float] = []
    while at < 6.0:
        made.receive(advert(100), OTHER, at)
        said += [at for action in made.wake(at) if action == SendAdvert(150)]
        at += 0.05
    assert said
    assert said[-1] - said[0] < 2.5
    assert made.router.state is State.BACKUP
    assert not made.router.awaiting


def test_who_follows_a_release_does_not_advertise_before_it_has_the_lease() -> None:
    """A daemon that is started anew on the master's host would give its VIPs up for it."""
    made = election()
    made.receive(advert(200), OTHER, 0.1)
    made.receive(advert(RELEASE), OTHER, 0.15)
    at, said = 0.15, []
    while at < 1.0:
        said += [action for action in made.wake(at) if isinstance(action, SendAdvert)]
        at += 0.01
    assert made.router.awaiting
    assert said == []
