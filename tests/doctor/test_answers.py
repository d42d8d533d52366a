"""Who may answer for a VIP, and who may not."""

from hactl.doctor.answers import Heard, judge, strangers
from hactl.doctor.finding import FindingId

VIP = "10.99.0.100"
LB1, LB2, RS1, OTHER = (f"02:00:00:00:00:0{number}" for number in (1, 2, 3, 9))


def heard(*macs: str, directors: bool = True) -> Heard:
    """These answered for the VIP."""
    return Heard(
        interface="eth0",
        vips={VIP: set(macs)},
        directors={LB1: "lb1", LB2: "lb2"} if directors else {},
        servers={RS1: "rs1"},
        own=frozenset({"02:00:00:00:00:77"}),
    )


def ids(seen: Heard, *hidden: str) -> list[tuple[FindingId, str]]:
    """Findings as (id, subject)."""
    return [(one.id, one.subject) for one in judge(seen, hidden)]


def test_directors_may_answer() -> None:
    """By their own MAC, both at once in a handover, or by the router's virtual one."""
    assert ids(heard(LB1, LB2, "00:00:5e:00:01:33"), VIP) == []


def test_a_real_server_that_answers() -> None:
    """It is named; of a VIP that no real server should have it is a stranger with a name."""
    assert ids(heard(LB1, RS1), VIP) == [(FindingId.SERVER_ANSWERS, "rs1")]
    assert ids(heard(LB1, RS1)) == [(FindingId.VIP_TAKEN, VIP)]


def test_a_stranger() -> None:
    """Also when no director answers at this moment."""
    assert ids(heard(LB1, OTHER), VIP) == [(FindingId.VIP_TAKEN, VIP)]
    assert ids(heard(OTHER), VIP) == [(FindingId.VIP_TAKEN, VIP)]


def test_without_a_known_director() -> None:
    """One that answers is taken for the director, unless it is a real server; two are one too many."""
    assert ids(heard(OTHER, directors=False), VIP) == []
    assert ids(heard(RS1, directors=False), VIP) == [(FindingId.SERVER_ANSWERS, "rs1")]
    assert len(strangers(heard(OTHER, LB1, directors=False))[VIP]) == 2
