"""The campaign on an IPVS table, on paper: faults follow from the seed, and a server that leaves without cause is seen."""

import msgspec
from torture.table_plan import QUIESCING, REMOVING, SERVERS, Blow, Strike, full, strikes, unasked

NOTHING = Strike(
    kind=Blow.CLOCK, service=REMOVING, server=SERVERS[0], process="health-0", lasts=1.0, amount=1
)


def test_strikes_follow_from_the_seed() -> None:
    """The same seed, the same faults; all kinds occur."""
    assert [strikes(3, n) for n in range(20)] == [strikes(3, n) for n in range(20)]
    assert {one.kind for n in range(200) for one in strikes(3, n)} == set(Blow)


def test_a_server_that_leaves_without_cause() -> None:
    """Only what died, or was touched by hand, may be missing for a while; after a flush everything may."""
    gone = next(entry for entry in full() if entry.server == f"{SERVERS[0]}:80")
    tables = [full(), full() - {gone}, full()]
    assert unasked([full()], [NOTHING]) == []
    assert unasked(tables, [NOTHING]) == [f"{SERVERS[0]}:80 left {REMOVING} without cause"]
    for kind, is_excused in ((Blow.SERVER_DIES, True), (Blow.FLUSH, True), (Blow.KILL, False)):
        done = [msgspec.structs.replace(NOTHING, kind=kind)]
        assert (unasked(tables, done) == []) is is_excused
    other = msgspec.structs.replace(NOTHING, kind=Blow.SERVER_DIES, service=QUIESCING)
    assert unasked(tables, [other]) != []
