"""Packets as they arrive at a director with routers on two interfaces."""

from types import SimpleNamespace
from typing import Any

import pytest

from failover.arrivals import Arrivals, sources
from failover.guards import Guards
from failover.ip import Received
from failover.packet import GROUP6, Drop, encode
from failover.spec import Family
from failover.trailer_clock import Moment
from support.failover import VIP6, advert, packed, router_spec, vip

OUTER, INNER = (
    router_spec(
        name=name, family=Family.IPV6, interface=interface, addresses=(vip(VIP6, interface=interface),)
    )
    for name, interface in (("outer", "eth0"), ("inner", "eth1"))
)
ONE, OTHER = packed("fe80::1"), packed("fe80::2")


class Instance:
    """One router whose adverts come from `address`."""

    def __init__(self, spec: Any, address: bytes) -> None:
        self.spec = spec
        self.election = SimpleNamespace(router=SimpleNamespace(address=address))
        self.heard: list[bytes | Drop] = []
        self.hearing = SimpleNamespace(refusals=SimpleNamespace(count=self.heard.append))

    def receive(self, _: object, source: bytes) -> None:
        """An advert is taken."""
        self.heard.append(source)


@pytest.mark.parametrize("spec", [OUTER, INNER])
def test_an_address_is_ours_on_its_own_interface_only(spec: Any) -> None:
    """Another director may have the same link-local addresses the other way round: its adverts are no echo of ours."""
    instances = [Instance(OUTER, ONE), Instance(INNER, OTHER)]
    around = SimpleNamespace(
        guards=Guards(),
        own=sources(instances),  # type: ignore[arg-type]
        named=lambda name: [one for one in instances if one.spec.name == name],
        moment=lambda: Moment(0.0, 0.0),
    )
    arrivals = Arrivals(around)
    for source in (ONE, OTHER):
        message = encode(advert(200, addresses=(packed(VIP6),)), source, GROUP6)
        arrivals.take({spec.vrid: spec}, Received(source, GROUP6, 255, message))
    ours, others = (ONE, OTHER) if spec is OUTER else (OTHER, ONE)
    (heard,) = [one.heard for one in instances if one.spec is spec]
    assert heard == [Drop.OWN_PACKET if source == ours else others for source in (ONE, OTHER)]
