"""Each promise that a round can break is seen by the judge, and what a fault excuses is no more than that."""

from random import Random

import msgspec
import pytest
from torture.places import VIP, VIP6
from torture.plan import Fault, Kind, round_of
from torture.rules import judge
from torture.sight import Answered, Done, Sight
from torture.weather import ARP, VRRP, Rule, kind_of, verdict

from hactl.lab.samples import Probe
from support.recorder import Announced, Event, Sent

BEGIN, MENDED, SETTLED, END = 100.0, 104.0, 104.5, 105.2


def advert(at: float, sender: str, priority: int = 150) -> Sent:
    """An advert of the router."""
    return Sent(at, sender, priority, 51, "10.99.0.1", "224.0.0.18", 255, False, 1)


def well(*faults: Fault) -> Sight:
    """A round in which lb1 has the VIP from beginning to end, whatever was done."""
    ticks = [BEGIN + n / 10 for n in range(52)]
    return Sight(
        begin=BEGIN,
        mended=MENDED,
        settled=SETTLED,
        end=END,
        first=frozenset({"lb1"}),
        done=[Done(fault, BEGIN + 1.0, BEGIN + 1.0 + fault.lasts) for fault in faults],
        events=[],
        adverts=[advert(at, "lb1") for at in ticks],
        announcements=[],
        answers=[Answered(at, "lb1") for at in ticks],
        probes=[Probe(at, "lb1", 0.001) for at in ticks],
    )


def moved(sight: Sight, *events: tuple[float, str, bool]) -> Sight:
    """The same round with VIPs that came and went."""
    both = [Event(BEGIN + at, host, vip, there) for at, host, there in events for vip in (VIP, VIP6)]
    return msgspec.structs.replace(sight, events=[*sight.events, *both])


KILL = Fault(kind=Kind.KILL_ALL, subject="lb1")
NOTIFY = Fault(kind=Kind.KILL, subject="lb1", process="notify")
SPLIT = Fault(kind=Kind.SPLIT, subject="lb1", lasts=1.0)
STOP = Fault(kind=Kind.STOP, subject="lb1", lasts=1.0)
ANNOUNCED = [Announced(BEGIN + 2.05, "lb2", "request", VIP), Announced(BEGIN + 3.55, "lb1", "request", VIP)]
THERE_AND_BACK = ((2.0, "lb2", True), (2.1, "lb1", False), (3.5, "lb1", True), (3.51, "lb2", False))


def test_a_round_without_effect_is_well() -> None:
    """Nothing is found where nothing happened."""
    assert judge(well(NOTIFY), "lb1") == []


def test_a_takeover_and_back_is_well() -> None:
    """The common case: the peer takes over, announces, and the best one comes back."""
    sight = moved(well(KILL), *THERE_AND_BACK)
    ours = [a for a in sight.adverts if not BEGIN + 2.1 < a.at < BEGIN + 3.5]
    theirs = [advert(BEGIN + 2.0 + n / 10, "lb2", 100) for n in range(15)]
    sight = msgspec.structs.replace(sight, announcements=ANNOUNCED, adverts=[*ours, *theirs])
    assert judge(sight, "lb1") == []
    silent = msgspec.structs.replace(sight, announcements=ANNOUNCED[:1])
    assert judge(silent, "lb1") == ["lb1 got the VIP at 3.500 s and did not announce it"]
    stale = msgspec.structs.replace(sight, adverts=[*sight.adverts, advert(BEGIN + 3.0, "lb1")])
    assert judge(stale, "lb1") == ["lb1 advertised 1 times without the VIP, first at 3.000 s"]


def test_two_holders() -> None:
    """Excused by a partition for as long as it lasts, by a stop for a second, by what moves nothing never."""
    for fault, lasts, is_well in (
        (SPLIT, 1.4, True),
        (SPLIT, 1.9, False),
        (STOP, 1.2, True),
        (STOP, 1.5, False),
        (KILL, 2.2, True),
        (KILL, 2.5, False),
        (NOTIFY, 0.4, False),
    ):
        sight = moved(well(fault), (1.0, "lb2", True), (1.0 + lasts, "lb2", False))
        sight.announcements.append(Announced(BEGIN + 1.1, "lb2", "request", VIP))
        assert any("two holders" in text for text in judge(sight, "lb1")) is not is_well, (fault, lasts)


def test_two_answer() -> None:
    """In a handover the one that lets go is silent, though its kernel still has the VIP."""
    sight = well(STOP)
    sight.answers += [Answered(BEGIN + 2.0 + n / 20, "lb2") for n in range(16)]
    assert any("two answered" in text for text in judge(sight, "lb1"))


def test_nobody_holds() -> None:
    """While one director was well somebody must have the VIP."""
    sight = moved(well(KILL), (2.0, "lb1", False), (2.2, "lb1", True))
    assert any("nobody had the VIP for 0.200 s" in text for text in judge(sight, "lb1"))


def test_a_move_without_cause() -> None:
    """The death of the notify worker moves nothing."""
    assert "the VIP moved 4 times without cause" in judge(moved(well(NOTIFY), *THERE_AND_BACK), "lb1")


@pytest.mark.parametrize("there", [True, False])
def test_an_operators_address(there: bool) -> None:
    """Neither written nor removed, unless by the campaign's own hand."""
    touched = Event(BEGIN + 2.0, "lb1", "10.99.0.151", there)
    assert judge(msgspec.structs.replace(well(KILL), events=[touched]), "lb1")
    anew = Fault(kind=Kind.INTERFACE_ANEW, subject="lb1", lasts=1.5)
    assert judge(msgspec.structs.replace(well(anew), events=[touched]), "lb1") == []


def test_the_end() -> None:
    """In the end the best one holds, advertises and answers alone."""
    assert judge(well(), "lb2") == [
        "in the end [['lb1']] held the VIP",
        "in the end adverts came from ['lb1']",
        "in the end ['lb1'] answered",
        "in the end 4 of 4 datagrams were answered by ['lb1']",
    ]
    at_once = moved(well(KILL), (4.5, "lb2", True), (4.5, "lb2", False))
    assert judge(at_once, "lb1") == []
    never = moved(well(KILL), (1.0, "lb1", False))
    assert "no single holder after all was mended" in judge(never, "lb1")


@pytest.mark.parametrize("hears", [True, False])
def test_a_client_that_heard_no_announcement(hears: bool) -> None:
    """Cut off alone while the best one announced, it asks whoever it knew; not if one came after that."""
    cut = Fault(kind=Kind.CLIENT_ONLY, subject="lb1", lasts=2.8)
    sight = moved(well(cut, STOP), *THERE_AND_BACK)
    told = Announced(BEGIN + 4.2, "lb1", "request", VIP)
    sight = msgspec.structs.replace(
        sight,
        announcements=[*ANNOUNCED, *([told] if hears else [])],
        probes=[Probe(probe.sent, "", 0.001) for probe in sight.probes],
    )
    lost = "in the end 4 of 4 datagrams were answered by ['nobody']"
    assert (lost in judge(sight, "lb1")) is hears


def test_rounds_follow_from_the_seed() -> None:
    """The same seed, the same faults; all kinds occur."""
    hosts = ("lb1", "lb2")
    assert [round_of(3, n, hosts) for n in range(50)] == [round_of(3, n, hosts) for n in range(50)]
    assert {fault.kind for n in range(600) for fault in round_of(3, n, hosts).faults} == set(Kind)


def test_the_weather() -> None:
    """The first rule that fits decides; loss, copies and delay are as it says."""
    question = b"\xff" * 12 + b"\x08\x06" + b"\0" * 28
    advertised = b"\0" * 12 + b"\x08\x00\x45" + b"\0" * 8 + b"\x70" + b"\0" * 30
    assert (kind_of(question), kind_of(advertised)) == (ARP, VRRP)
    rules = [Rule("a", "b", VRRP, loss=1.0), Rule(duplicate=1.0, delay=0.5)]
    dice = Random(1)
    assert verdict(rules, "a", "b", advertised, dice) == []
    copies = verdict(rules, "b", "a", advertised, dice)
    assert len(copies) == 2
    assert all(0.0 <= delay <= 0.5 for delay in copies)
    assert verdict([], "a", "b", question, dice) == [0.0]
