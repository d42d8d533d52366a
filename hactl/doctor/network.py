"""The links of a director: listens to them and asks them, and has what was heard judged; edge.

The law: nothing that is sent changes anybody's cache (`hactl.claims.duplicates`).
"""

from collections.abc import Iterator
from functools import partial

from hactl.config.model import Config
from hactl.doctor import adverts, answers
from hactl.doctor.ask import ask
from hactl.doctor.finding import Finding
from hactl.doctor.look import adverts as adverts_look
from hactl.doctor.model import Host
from hactl.doctor.notes import Notes
from hactl.ipvs.spec import Forward


def examine(config: Config, host: Host, seconds: float, notes: Notes) -> Iterator[Finding]:
    """Who else speaks on the links: for the VRIDs, listening for so many seconds, and for the VIPs, asking."""
    routers = config.failover.routers
    heard = notes.look("adverts of others", partial(adverts_look.listen, routers, seconds))
    if heard is not None:
        yield from adverts.judge(config, {one.address for one in host.addresses}, heard)
    vips: dict[str, list[str]] = {}
    for vip in (vip for router in routers for vip in router.addresses):
        vips.setdefault(vip.interface, []).append(vip.address)
    hidden = {one.address for one in config.services if one.forward is not Forward.NAT and one.address}
    macs = {name: link.mac for name, link in host.links.items() if link.mac}
    others = {a: one.name for one in config.directors for a in one.addresses}
    servers = {server.address: server.name for service in config.services for server in service.servers}
    for interface, wanted in vips.items():
        if interface in macs and host.links[interface].carrier:
            question = partial(ask, interface, macs, wanted, others, servers)
            answered = notes.look(f"who answers for VIPs on {interface}", question)
            if answered is not None:
                yield from answers.judge(answered, hidden)
