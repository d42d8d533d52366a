"""The forms of VRRP that hactl and Debian's keepalived both speak, as routers of one pair with their own VRIDs and VIPs."""

from typing import Any

from failover.spec import Authentication, Family, PeerSpec, RouterSpec, Transport
from support.failover import router_spec, vip, with_changes, with_virtual_mac
from support.netns import Lan

INTERVAL, V2_INTERVAL = 0.2, 1.0
PASSWORD_FILE, PASSWORD = "/etc/hactl/vrrp.password", "1234"

V2: dict[str, Any] = {"version": 2, "advert_interval": V2_INTERVAL, "lease": 7}
WITH_PASSWORD = V2 | {"authentication": Authentication.PASSWORD, "authentication_file": PASSWORD_FILE}
V3: dict[str, Any] = {"advert_interval": INTERVAL}
IPV6 = V3 | {"family": Family.IPV6}
UNICAST: dict[str, Any] = {"transport": Transport.UNICAST}

FORMS: dict[str, dict[str, Any]] = {
    "v3-ipv4-multicast": V3,
    "v3-ipv4-unicast": V3 | UNICAST,
    "v3-ipv6-multicast": IPV6,
    "v3-ipv6-unicast": IPV6 | UNICAST,
    "v2-multicast": V2,
    "v2-unicast": V2 | UNICAST,
    "v2-multicast-password": WITH_PASSWORD,
    "v2-unicast-password": WITH_PASSWORD | UNICAST,
}

VIRTUAL_MAC: dict[str, Any] = {"virtual_mac": True}
WITH_VIRTUAL_MAC: dict[str, dict[str, Any]] = {
    "v3-ipv4-virtual-mac": V3 | VIRTUAL_MAC,
    "v3-ipv6-virtual-mac": IPV6 | VIRTUAL_MAC,
    "v2-virtual-mac": V2 | VIRTUAL_MAC,
    "v3-ipv4-unicast-virtual-mac": V3 | UNICAST | VIRTUAL_MAC,
}
"""keepalived's `use_vmac`; the packets are those of the form without it, the frames are not."""
ALL_FORMS = FORMS | WITH_VIRTUAL_MAC


class Ends:
    """Where each host sends from, as it was before any VIP came."""

    def __init__(self, net: Lan) -> None:
        self.own = {
            name: {Family.IPV4: net.address(name), Family.IPV6: net.link_local(name)} for name in net.names
        }

    def routers(self, me: str, priority: int, *names: str) -> list[RouterSpec]:
        """The routers of these forms, or all, as one host has them."""
        return [self._router(number, name, me, priority) for number, name in enumerate(names or ALL_FORMS, 1)]

    def _router(self, number: int, name: str, me: str, priority: int) -> RouterSpec:
        spec = router_spec(name=name, vrid=50 + number, priority=priority, **ALL_FORMS[name])
        vips = [f"10.98.0.{number}"]
        if spec.family is Family.IPV6:
            vips = [f"fe80::98:{number}", f"2001:db8:98::{number}"]
        others = tuple(
            PeerSpec(name=name, address=ends[spec.family]) for name, ends in self.own.items() if name != me
        )
        peers = others if spec.transport is Transport.UNICAST else ()
        spec = with_changes(spec, addresses=tuple(map(vip, vips)), peers=peers)
        return with_virtual_mac(spec) if spec.virtual_mac else spec
