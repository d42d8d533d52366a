"""The wished table: weights, overrides, schedulers that hash, sorry server, services that go with the VIP."""

import pytest

from hactl.ipvs import policy
from hactl.ipvs.inherit import adopt
from hactl.ipvs.model import Entry, Persistence, ServiceKey, Tunnel
from hactl.ipvs.schedulers import SCHEDULERS, SchedulerFlag, flag_words, flags_named
from hactl.ipvs.spec import Forward, OnDown, PersistenceSpec, Protocol, ServiceSpec, TunnelSpec, TunnelType
from hactl.ipvs.update import update
from hactl.services.state import Outcomes, State, index
from hactl.wishes.overrides import Admin
from health.result import Health
from support.ipvs_build import VIP, key, pages, server_spec, service_spec, sorry_spec, wishes

UP, DOWN = Health.UP, Health.DOWN
Said = dict[str, tuple[Admin, int | None]]


def state_after(spec: ServiceSpec, *steps: Outcomes, said: Said | None = None) -> State:
    """The state after these outcomes in turn."""
    services = index([spec])
    state = adopt(services, {}, 0.0)
    for now, outcomes in enumerate(steps, 1):
        state = update(state, services, outcomes, wishes(said or {}), float(now)).state
    return state


def entry_of(spec: ServiceSpec, *steps: Outcomes, said: Said | None = None) -> Entry:
    """The service's entry after these outcomes in turn."""
    return policy.entry(spec, state_after(spec, *steps, said=said).services[spec.name])


def weights(entry: Entry) -> dict[str, int]:
    """Weight by last number of the address, in order."""
    return {place.address.rsplit(".", 1)[1]: server.weight for place, server in entry.servers.items()}


ALL_UP = pages(rs1=UP, rs2=UP, rs3=UP)


def test_up_servers_stand_with_their_weights() -> None:
    """Fit servers have the configured weight, or the one an operator gave."""
    spec = service_spec(servers=(server_spec(1, weight=4), server_spec(2)))
    assert weights(entry_of(spec, ALL_UP)) == {"21": 4, "22": 1}
    assert weights(entry_of(spec, ALL_UP, said={"rs2": (Admin.ENABLED, 7)})) == {"21": 4, "22": 7}


def test_drain_is_weight_0_and_disable_is_removal() -> None:
    """A drained server keeps its connections, a disabled one leaves."""
    said: Said = {"rs1": (Admin.DRAIN, None), "rs2": (Admin.DISABLED, None)}
    assert weights(entry_of(service_spec(), ALL_UP, said=said)) == {"21": 0, "23": 1}


def test_a_down_server_is_removed_or_quiesced() -> None:
    """on_down decides; a server that was never up is not in the table either way."""
    later = pages(rs1=DOWN, rs2=UP, rs3=DOWN)
    first = pages(rs1=UP, rs2=UP, rs3=DOWN)
    assert weights(entry_of(service_spec(), first, later)) == {"22": 1}
    assert weights(entry_of(service_spec(on_down=OnDown.QUIESCE), first, later)) == {"21": 0, "22": 1}


@pytest.mark.parametrize("scheduler", ["mh", "sh"])
def test_hashing_schedulers_keep_every_place(scheduler: str) -> None:
    """All servers stand in sorted order, unfit ones at weight 0 with the weight to be remembered, and with fallback."""
    servers = (server_spec(3), server_spec(1, weight=5), server_spec(2))
    spec = service_spec(scheduler=scheduler, servers=servers)
    entry = entry_of(spec, pages(rs2=UP), said={"rs3": (Admin.DISABLED, None)})
    assert weights(entry) == {"21": 0, "22": 1, "23": 0}
    assert {place.address: weight for place, weight in entry.places.items()} == {
        "10.77.0.21": 5,
        "10.77.0.23": 1,
    }
    assert SchedulerFlag.FALLBACK in entry.service.flags


def test_dh_never_has_a_server_at_weight_0() -> None:
    """dh drops what hashes to weight 0: a drained server keeps its weight, quiesce removes."""
    spec = service_spec(scheduler="dh", on_down=OnDown.QUIESCE)
    said: Said = {"rs1": (Admin.DRAIN, None), "rs3": (Admin.ENABLED, 0)}
    assert weights(entry_of(spec, ALL_UP, pages(rs1=UP, rs2=DOWN, rs3=UP), said=said)) == {"21": 1}


def test_the_sorry_server_replaces_all() -> None:
    """After a loss of quorum it stands alone, though a server is healthy; without one the healthy stay."""
    late = pages(rs1=UP, rs2=DOWN, rs3=DOWN)
    spec = service_spec(quorum_up=2, quorum_down=1, sorry=sorry_spec())
    entry = entry_of(spec, ALL_UP, late)
    assert weights(entry) == {"250": 1}
    assert next(iter(entry.servers.values())).forward is Forward.NAT
    assert weights(entry_of(service_spec(quorum_up=2, quorum_down=1), ALL_UP, late)) == {"21": 1}


def test_drained_servers_keep_their_connections_beside_the_sorry_server() -> None:
    """All are drained for work on them: new clients get the sorry server, those who are connected go on. Not so at one
    that is down."""
    said: Said = dict.fromkeys(("rs1", "rs2", "rs3"), (Admin.DRAIN, None))
    spec = service_spec(sorry=sorry_spec())
    assert weights(entry_of(spec, ALL_UP, said=said)) == {"21": 0, "22": 0, "23": 0, "250": 1}
    late = pages(rs1=UP, rs2=DOWN, rs3=UP)
    assert weights(entry_of(spec, ALL_UP, late, said=said)) == {"21": 0, "23": 0, "250": 1}


def test_replaced_servers_keep_connections_where_down_ones_would() -> None:
    """With quiesce, and with mh, the replaced servers stay at weight 0 beside the sorry server."""
    late = pages(rs1=UP, rs2=DOWN, rs3=DOWN)
    for change in ({"on_down": OnDown.QUIESCE}, {"scheduler": "mh"}):
        spec = service_spec(quorum_up=2, quorum_down=1, sorry=sorry_spec(), **change)
        assert weights(entry_of(spec, ALL_UP, late)) == {"21": 0, "22": 0, "23": 0, "250": 1}


def test_an_empty_service_stays_in_the_table() -> None:
    """A service whose servers are all gone is wished all the same."""
    services = index([service_spec()])
    wish = policy.desired(services, state_after(service_spec(), pages(rs1=DOWN, rs2=DOWN, rs3=DOWN)), ())
    assert wish[key()].servers == {}


def test_a_service_may_go_with_its_vip() -> None:
    """`while_holding`: in the table only while the VIP is held; by firewall mark while any is."""
    spec = service_spec(while_holding=True)
    services, state = index([spec]), state_after(spec, ALL_UP)
    assert policy.desired(services, state, ()) == {}
    held = policy.desired(services, state, {VIP})
    assert weights(held[key()]) == {"21": 1, "22": 1, "23": 1}
    assert policy.renew(held, services, state, {"10.9.9.9"}, ["www"]) == {}
    marked = service_spec(while_holding=True, address=None, protocol=None, fwmark=7)
    assert policy.belongs(marked, {VIP})
    assert not policy.belongs(marked, ())


def test_renewal_leaves_other_entries_alone() -> None:
    """Only the named services are made anew."""
    specs = [service_spec(), service_spec("other", port=81)]
    services = index(specs)
    state = update(adopt(services, {}, 0.0), services, ALL_UP, wishes({}), 1.0).state
    table = policy.desired(services, state, ())
    renewed = policy.renew(table, services, state, (), ["www"])
    assert renewed == table
    assert renewed[key(port=81)] is table[key(port=81)]


def test_the_service_as_the_kernel_has_it() -> None:
    """Persistence without netmask is the single address; flags and engine pass through."""
    persistence = PersistenceSpec(timeout=300, engine="sip")
    spec = service_spec(protocol=Protocol.UDP, persistence=persistence, one_packet=True)
    service = policy.virtual_service(spec)
    assert service.persistence == Persistence(timeout=300, netmask=32)
    assert (service.engine, service.one_packet) == ("sip", True)
    six = service_spec(address=None, protocol=None, fwmark=7, family="ipv6", persistence=persistence)
    assert policy.virtual_service(six).key == ServiceKey(family="ipv6", fwmark=7)
    assert policy.virtual_service(six).persistence == Persistence(timeout=300, netmask=128)


def test_tunnels() -> None:
    """tun without more is ipip; gue has its port; other methods have no tunnel."""
    gue = TunnelSpec(type=TunnelType.GUE, port=6080)
    servers = (
        server_spec(1, forward=Forward.TUN),
        server_spec(2, forward=Forward.TUN, tunnel=gue),
        server_spec(3),
    )
    found = [server.tunnel for server in entry_of(service_spec(servers=servers), ALL_UP).servers.values()]
    assert found == [Tunnel(), Tunnel(type=TunnelType.GUE, port=6080), None]


def test_flags_have_the_words_of_ipvsadm() -> None:
    """Names become bits and bits names; mh and sh always have the fallback flag."""
    assert flags_named("mh", ("mh-port",)) == SchedulerFlag.FALLBACK | SchedulerFlag.PORT
    assert flags_named("wlc", ("flag-3",)) == SchedulerFlag.THIRD
    assert flags_named("sh", ()) == SchedulerFlag.FALLBACK
    assert flag_words("mh", SchedulerFlag(3)) == ("mh-fallback", "mh-port")
    assert flag_words("rr", SchedulerFlag(5)) == ("flag-1", "flag-3")
    assert len(set(SCHEDULERS)) == 14
    with pytest.raises(KeyError):
        flags_named("mh", ("sh-port",))


def test_the_sorry_server_of_mh_comes_last() -> None:
    """It is not part of the order: its coming and going moves nobody."""
    late = pages(rs1=UP, rs2=DOWN, rs3=DOWN)
    low = sorry_spec(address="10.0.0.1")
    spec = service_spec(quorum_up=2, quorum_down=1, sorry=low, scheduler="mh")
    assert list(weights(entry_of(spec, ALL_UP, late))) == ["21", "22", "23", "1"]
