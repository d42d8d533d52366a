"""What a router tells of those whom it hears: refused adverts, and the form of their checksums."""

import msgspec

from failover.hearing import Hearing
from failover.neighbours import MOST
from failover.packet import Coverage, Drop
from failover.refusals import IN_A_ROW, QUIET, Refusals
from failover.spec import Checksum, Family
from support.failover import HIGHER, advert, packed, router_spec

OTHER = "10.99.0.6"


def refuse(
    some: Refusals, times: int, now: float, source: str = OTHER, drop: Drop = Drop.BAD_MAC
) -> list[str]:
    """So many adverts of one source are dropped within two seconds, the last of them now; the alarms."""
    each = (now - 2.0 + 2.0 * number / times for number in range(1, times + 1))
    return [alarm for at in each if (alarm := some.refuse(drop, source, "", at))]


def test_what_waited_while_the_worker_stood_still_alarms_nobody() -> None:
    """All of it comes at one moment, too old by then."""
    some = Refusals()
    assert [some.refuse(Drop.STALE, OTHER, "", 9.0) for _ in range(200)] == [""] * 200
    assert some.text(9.0) == ""
    assert some.counts == {"stale": 200}


def test_one_drop_alarms_nobody() -> None:
    """A link that doubles packets makes replays."""
    some = Refusals()
    for now in range(10):
        assert refuse(some, IN_A_ROW - 1, float(now)) == []
        some.accept(OTHER)
    assert some.counts == {"bad_mac": 10 * (IN_A_ROW - 1)}
    assert some.text(10.0) == ""


def test_what_lasts_is_told_once() -> None:
    """Status shows it as long as it lasts, and a while after."""
    some = Refusals()
    words = f"adverts of {OTHER} are dropped: it was not made with our key"
    assert refuse(some, 1000, 0.0) == [words]
    assert [refuse(some, 1, float(now)) for now in range(1, 500)] == [[]] * 499
    assert some.text(499.0 + QUIET - 1) == words
    assert some.text(499.0 + QUIET) == ""


def test_what_was_mended_and_comes_again_is_told_again() -> None:
    """And so is another reason of the same director."""
    some = Refusals()
    assert len(refuse(some, 5, 0.0)) == 1
    some.accept(OTHER)
    assert some.text(1.0) == ""
    assert len(refuse(some, 5, 2 * QUIET)) == 1
    (other,) = refuse(some, 5, 4 * QUIET, drop=Drop.STALE)
    assert "its time is too far from ours" in other
    assert len(refuse(some, 5, 8 * QUIET, drop=Drop.STALE)) == 1


def test_two_directors_in_turn() -> None:
    """Each has its own row."""
    some = Refusals()
    told = [refuse(some, 1, float(now), source) for now in range(200) for source in (OTHER, "10.99.0.7")]
    alarms = [alarm for one in told for alarm in one]
    assert len(alarms) == 2
    assert OTHER in alarms[0]
    assert "10.99.0.7" in alarms[1]


def test_a_flood_of_invented_senders() -> None:
    """One alarm a minute at most, and a bound to what is remembered."""
    some = Refusals()
    told = [refuse(some, IN_A_ROW, n / 1000, f"10.98.{n // 250}.{n % 250}") for n in range(1000)]
    assert sum(map(len, told)) == 1
    assert len(some._rows) == MOST


def heard(hearing: Hearing, form: Coverage, now: float, **changes: object) -> list[str]:
    """An advert with a checksum of this form was taken."""
    spec = router_spec(**changes)
    return list(hearing.hear(spec, msgspec.structs.replace(advert(200), coverage=form), HIGHER, now))


def test_the_checksum_of_each_director_is_remembered() -> None:
    """One that is not ours is told, when it is new: its sender may take none but its own."""
    hearing = Hearing(router_spec().addresses)
    assert heard(hearing, Coverage.PSEUDO_HEADER, 0.0) == []
    (told,) = heard(hearing, Coverage.MESSAGE_ONLY, 1.0)
    assert told == (
        f"{OTHER} sends checksums of the message only, we checksums with pseudo header (key `checksum`)"
    )
    assert heard(hearing, Coverage.MESSAGE_ONLY, 2.0) == []
    assert hearing.checksums == {OTHER: Coverage.MESSAGE_ONLY}
    ours = Hearing(router_spec().addresses)
    assert heard(ours, Coverage.MESSAGE_ONLY, 1.0, checksum=Checksum.MESSAGE_ONLY) == []


def test_ipv6_has_one_form_only() -> None:
    """Nothing to remember."""
    hearing = Hearing(())
    spec = router_spec(family=Family.IPV6, addresses=())
    list(hearing.hear(spec, advert(200, addresses=()), packed("fe80::6"), 0.0))
    assert hearing.checksums == {}
