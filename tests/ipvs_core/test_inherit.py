"""Adoption at start and carrying over a reload: no server that serves is taken out."""

from hactl.ipvs import policy
from hactl.ipvs.inherit import adopt, carry
from hactl.ipvs.model import DestinationKey, Entry, RealServer, ServiceKey, Table
from hactl.ipvs.spec import CheckRef, Forward, OnDown, ServiceSpec
from hactl.ipvs.update import update
from hactl.services.state import (
    Availability,
    Outcomes,
    Quorum,
    ServerChange,
    ServiceChange,
    State,
    index,
)
from hactl.wishes.overrides import Admin
from health.result import Health
from support.ipvs_build import entry, key, pages, real, server_spec, service_spec, sorry_spec, wishes

UP, DOWN = Health.UP, Health.DOWN
NOTHING_SAID = wishes({})


def weights(wish: Table, at: ServiceKey | None = None) -> dict[str, int]:
    """Weight by address of one service."""
    return {place.address: server.weight for place, server in wish[at or key()].servers.items()}


def wish_after(spec: ServiceSpec, state: State, outcomes: Outcomes) -> policy.Wish:
    """The wished table after an update with these outcomes."""
    services = index([spec])
    result = update(state, services, outcomes, NOTHING_SAID, 1.0)
    return policy.desired(services, result.state, ())


def test_servers_found_active_stay() -> None:
    """At start the wish equals the kernel's table while no verdict is in, and nothing is told."""
    spec = service_spec()
    held = {key(): entry(real(1), real(3))}
    services = index([spec])
    result = update(adopt(services, held, 0.0), services, {}, NOTHING_SAID, 1.0)
    assert policy.desired(services, result.state, ()) == held
    assert result.changes == ()
    assert result.state.services["www"].quorum is Quorum.HELD


def test_an_adopted_server_leaves_only_by_a_failed_check() -> None:
    """Down takes an adopted server out, and the others stay without a verdict."""
    state = adopt(index([service_spec()]), {key(): entry(real(1), real(2))}, 0.0)
    assert weights(wish_after(service_spec(), state, pages(rs1=DOWN))) == {"10.77.0.22": 1}


def test_servers_found_at_weight_0_stay_so() -> None:
    """A drained or quiesced server of a former run keeps its connections and gets no new ones before its verdict."""
    for on_down in OnDown:
        spec = service_spec(on_down=on_down)
        state = adopt(index([spec]), {key(): entry(real(1), real(2, weight=0))}, 0.0)
        assert weights(wish_after(spec, state, {})) == {"10.77.0.21": 1, "10.77.0.22": 0}


def test_a_sorry_server_found_serving_goes_on() -> None:
    """A restart while the sorry server serves does not take it out before quorum is held again."""
    spec = service_spec(sorry=sorry_spec())
    sorry = RealServer(key=DestinationKey("10.78.0.250", 8080), forward=Forward.NAT)
    held = {key(): entry(sorry)}
    state = adopt(index([spec]), held, 0.0)
    assert wish_after(spec, state, {}) == held
    assert weights(wish_after(spec, state, pages(rs1=UP))) == {"10.77.0.21": 1}


def test_a_drained_server_found_beside_the_sorry_server_stays() -> None:
    """A restart ends no connection of a server that is being emptied."""
    spec = service_spec(count=1, sorry=sorry_spec())
    sorry = RealServer(key=DestinationKey("10.78.0.250", 8080), forward=Forward.NAT)
    held = {key(): entry(real(1, weight=0), sorry)}
    services = index([spec])
    said = wishes({"rs1": (Admin.DRAIN, None)})
    result = update(adopt(services, held, 0.0), services, {}, said, 1.0)
    assert policy.desired(services, result.state, ()) == held


def test_a_server_with_a_changed_check_stays() -> None:
    """A reload that changes every check's id removes nobody, and tells nothing when the new checks pass."""
    old, new = service_spec(), service_spec(servers=tuple(changed(number) for number in (1, 2, 3)))
    before = update(
        adopt(index([old]), {}, 0.0), index([old]), pages(rs1=UP, rs2=UP, rs3=DOWN), NOTHING_SAID, 1.0
    )
    carried = carry(before.state, index([old]), index([new]), 2.0)
    after = update(carried, index([new]), {}, NOTHING_SAID, 2.0)
    assert after.changes == ()
    assert weights(policy.desired(index([new]), after.state, ())) == {"10.77.0.21": 1, "10.77.0.22": 1}


def changed(number: int) -> object:
    """The server with another check."""
    return server_spec(number, checks=(CheckRef(name="page", id=f"other-{number}"),))


def test_a_readdressed_server_is_new() -> None:
    """A server at another address waits for its first passed check though it has the old name."""
    old = service_spec(count=1)
    new = service_spec(servers=(server_spec(1, address="10.77.0.99", checks=changed_checks()),))
    state = update(adopt(index([old]), {}, 0.0), index([old]), pages(rs1=UP), NOTHING_SAID, 1.0).state
    carried = carry(state, index([old]), index([new]), 2.0)
    assert not carried.services["www"].servers["rs1"].admitted


def changed_checks() -> tuple[CheckRef, ...]:
    """A check that no outcome is known of."""
    return (CheckRef(name="page", id="unheard"),)


def test_a_renamed_server_stays_admitted() -> None:
    """The kernel knows no names: another name for the same address and port takes nobody out."""
    old = service_spec(count=1)
    new = service_spec(servers=(server_spec(1, name="web1", checks=changed_checks()),))
    state = update(adopt(index([old]), {}, 0.0), index([old]), pages(rs1=UP), NOTHING_SAID, 1.0).state
    carried = carry(state, index([old]), index([new]), 2.0)
    web1 = carried.services["www"].servers["web1"]
    assert (web1.admitted, web1.told) == (True, Health.UNKNOWN)


def test_a_renamed_service_keeps_its_servers() -> None:
    """A service under another name at the same place keeps what it knows and is told anew, once, with all its servers."""
    old, new = index([service_spec()]), index([service_spec("shop")])
    outcomes = pages(rs1=UP, rs2=DOWN, rs3=UP)
    state = update(adopt(old, {}, 0.0), old, outcomes, NOTHING_SAID, 1.0).state
    carried = update(carry(state, old, new, 2.0), new, outcomes, NOTHING_SAID, 2.0, checks=(), names=["shop"])
    assert carried.state.services["shop"] == state.services["www"]
    servers = [(c.server, c.old, c.new) for c in carried.changes if isinstance(c, ServerChange)]
    assert servers == [
        ("rs1", Health.UNKNOWN, UP),
        ("rs2", Health.UNKNOWN, DOWN),
        ("rs3", Health.UNKNOWN, UP),
    ]
    assert [c.new for c in carried.changes if isinstance(c, ServiceChange)] == [Availability.DEGRADED]
    again = update(carried.state, new, outcomes, NOTHING_SAID, 3.0)
    assert (again.changes, again.touched) == ((), ())


def test_a_new_service_starts_empty() -> None:
    """A service that was not there before waits for its checks."""
    old, new = service_spec(), service_spec("ftp", port=21)
    carried = carry(adopt(index([old]), {}, 0.0), index([old]), index([old, new]), 2.0)
    assert carried.services["ftp"].availability is Availability.DOWN
    assert not any(server.admitted for server in carried.services["ftp"].servers.values())


def test_foreign_servers_in_an_adopted_service_are_not_wished() -> None:
    """A server that the configuration does not have is no part of the wish, so the plan removes it."""
    held: dict[ServiceKey, Entry] = {key(): entry(real(1), real(9))}
    state = adopt(index([service_spec()]), held, 0.0)
    assert weights(wish_after(service_spec(), state, {})) == {"10.77.0.21": 1}
