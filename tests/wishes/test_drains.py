"""Draining to the end: who is finished, and by whose word."""

from hactl.ipvs.model import Counters, ServiceCounters, service_key
from hactl.ipvs.spec import Protocol, ServiceSpec
from hactl.services.state import destination
from hactl.wishes import drains
from hactl.wishes.drains import Drain
from hactl.wishes.overrides import Admin, Overrides, Wish
from hactl.wishes.scopes import Scope
from support.ipvs_build import service_spec

NOW = 1000.0
SERVICES = {
    "www": service_spec(),
    "names": service_spec("names", address="10.77.0.101", protocol=Protocol.UDP),
}


def told(*wishes: Wish) -> Overrides:
    """The overrides after these wishes."""
    overrides = Overrides()
    for wish in wishes:
        overrides = overrides.with_wish(wish, tuple(SERVICES.values()), NOW)
    return overrides


def drain(server: str, service: str | None = None, by: float | None = None) -> Wish:
    """Drain and remove."""
    return Wish(scope=Scope(server, service), admin=Admin.DRAIN, remove=True, remove_by=by)


def counted(spec: ServiceSpec, **counts: Counters) -> dict[object, ServiceCounters]:
    """Counters of a service's servers by name; the others are not in the table."""
    servers = {destination(each): counts[each.name] for each in spec.servers if each.name in counts}
    return {service_key(spec): ServiceCounters(total=Counters(), servers=servers)}


def over(
    overrides: Overrides, counters: dict[object, ServiceCounters], now: float = NOW
) -> set[tuple[str, str]]:
    """(service, server) of those that are finished."""
    found = drains.ended(overrides, SERVICES, counters, now)  # type: ignore[arg-type]
    return {(each.service, each.server) for each in found}


def test_connections_are_waited_for() -> None:
    """One that is established holds the server; its remains do not."""
    wish = told(drain("rs1", "www"))
    www = SERVICES["www"]
    assert over(wish, counted(www, rs1=Counters(active=1))) == set()
    assert over(wish, counted(www, rs1=Counters(inactive=9))) == {("www", "rs1")}
    assert over(wish, counted(www)) == {("www", "rs1")}


def test_udp_has_no_established_connections() -> None:
    """What is remembered of it counts."""
    wish = told(drain("rs1", "names"))
    names = SERVICES["names"]
    assert over(wish, counted(names, rs1=Counters(inactive=1))) == set()
    assert over(wish, counted(names, rs1=Counters())) == {("names", "rs1")}


def test_what_cannot_be_counted_has_not_ended() -> None:
    """The kernel was not asked yet: nothing is removed, except when the time is over."""
    assert over(told(drain("rs1", "www")), {}) == set()
    late = told(drain("rs1", "www", by=NOW + 5))
    assert over(late, {}, NOW + 4.9) == set()
    assert over(late, counted(SERVICES["www"], rs1=Counters(active=7)), NOW + 5) == {("www", "rs1")}


def test_each_service_is_on_its_own() -> None:
    """Said of the server alone it concerns all its services; each is finished when its own connections have ended."""
    wish = told(drain("rs1"))
    counters = counted(SERVICES["www"], rs1=Counters(active=1)) | counted(SERVICES["names"], rs1=Counters())
    assert over(wish, counters) == {("names", "rs1")}
    narrow = told(drain("rs1"), Wish(scope=Scope("rs1", "www"), admin=Admin.DRAIN))
    assert [each.service for each, _ in drains.finishing(narrow, SERVICES)] == ["names"]


def test_enable_and_a_plain_drain_end_it() -> None:
    """The later word decides; a new wish is another one."""
    once = told(drain("rs1", "www"))
    assert [each for each, _ in drains.finishing(once, SERVICES)] == [Drain("www", "rs1", 1)]
    for later in (Admin.ENABLED, Admin.DRAIN, Admin.DISABLED):
        after = told(drain("rs1", "www"), Wish(scope=Scope("rs1", "www"), admin=later))
        assert list(drains.finishing(after, SERVICES)) == []
    twice = told(drain("rs1", "www"), drain("rs1", "www"))
    assert [each.revision for each, _ in drains.finishing(twice, SERVICES)] == [2]
