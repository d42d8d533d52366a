"""Routers as the failover worker of one director gets them."""

from failover.spec import (
    AddressSpec,
    AnnounceSpec,
    Authentication,
    Checksum,
    Family,
    PeerSpec,
    Replay,
    Rollout,
    RouterSpec,
    TrailerSpec,
    Transport,
)
from hactl.config import resolve
from hactl.config.build import takeover, ways
from hactl.config.build.track import tracked_objects
from hactl.config.build.witness import witness_spec
from hactl.config.schema.document import Document
from hactl.config.schema.routers import Authentication as Section
from hactl.config.schema.routers import Router


def router_spec(document: Document, name: str, node: str) -> RouterSpec:
    """One router, seen from one director."""
    router = document.routers[name]
    family = resolve.router_family(router)
    interface = resolve.here(router.interface, node) or ""
    source = resolve.here(router.source, node)
    return RouterSpec(
        name=name,
        vrid=router.vrid,
        family=Family(family),
        interface=interface,
        addresses=_addresses(router, node, interface),
        priority=resolve.priorities(document, router)[node],
        version=router.version,
        transport=Transport(router.transport),
        peers=_peers(document, router, node),
        source=None if source == "auto" else source,
        ttl_send=router.ttl.send,
        ttl_accept=resolve.accepted_ttl(router),
        advert_interval=resolve.interval(router),
        preempt=router.preempt,
        preempt_delay=router.preempt_delay,
        startup_delay=router.startup_delay,
        link_up_delay=router.link_delay.up,
        link_down_delay=router.link_delay.down,
        down_after=router.down_after,
        lease=resolve.lease(document, router, node),
        lease_alone=int(router.lease_alone),
        announce=AnnounceSpec(
            burst=tuple(router.announce.burst), refresh=router.announce.refresh, pace=router.announce.pace
        ),
        checksum=Checksum(router.checksum),
        authentication=Authentication(router.authentication.type),
        authentication_file=router.authentication.password_file or router.authentication.key_file,
        trailer=_trailer(router.authentication),
        virtual_mac=router.virtual_mac,
        track=(*tracked_objects(router.track), *takeover.judged(name, router, node)),
        fence=takeover.fence_spec(router),
        routes=ways.routes(router, node),
        rules=ways.rules(router, node),
        witness=witness_spec(document, name),
    )


def _trailer(given: Section) -> TrailerSpec:
    default = TrailerSpec()
    return TrailerSpec(
        replay=Replay(given.replay or default.replay),
        window=given.window or default.window,
        rollout=Rollout(given.rollout or default.rollout),
    )


def _addresses(router: Router, node: str, interface: str) -> tuple[AddressSpec, ...]:
    """In the file's order, but an advert lists a link-local address before all others (RFC 9568 5.2.9)."""
    room = resolve.most_advertised(router)
    specs = []
    for virtual in sorted(router.addresses, key=lambda one: not resolve.is_link_local(one.address)):
        address, _, prefix = virtual.address.partition("/")
        advertise = virtual.advertise and room > 0
        room -= advertise
        here = resolve.here(virtual.interface, node) or interface
        specs.append(
            AddressSpec(
                address=address,
                prefix=int(prefix),
                interface=here,
                label=virtual.label,
                advertise=advertise,
                device=resolve.device(router, address, here) if router.virtual_mac else None,
            )
        )
    return tuple(specs)


def _peers(document: Document, router: Router, node: str) -> tuple[PeerSpec, ...]:
    if router.transport != "unicast":
        return ()
    addresses = resolve.peer_addresses(document, router)
    return tuple(PeerSpec(name=name, address=a) for name, a in addresses.items() if name != node and a)
