"""A sound document to the frozen specs of one director.

The law: nothing is decided here; defaults that depend on other keys come from `hactl.config.resolve`.
"""

from failover.spec import FailoverSpec, GroupSpec
from hactl.config.build.checks import Checks
from hactl.config.build.notify import notify_spec
from hactl.config.build.peers import channel_spec
from hactl.config.build.routers import router_spec
from hactl.config.build.services import ipvs_spec, service_spec, sync_spec
from hactl.config.build.takeover import fence_programs, refused_specs, takeover_specs
from hactl.config.build.track import tracking_checks
from hactl.config.build.witness import witnesses_spec
from hactl.config.model import Config, ControlSpec, DirectorSpec, HealthSettings, Members, RolesSpec
from hactl.config.resolve import director_priorities
from hactl.config.schema import cluster as schema
from hactl.config.schema.document import Document


def build(document: Document, node: str, *, sha256: str = "") -> Config:
    """The configuration as the director `node` sees it; `node` is one of the document's directors."""
    checks = Checks(document, node)
    services = tuple(service_spec(document, name, checks) for name in document.services)
    for router in document.routers.values():
        for tracked in tracking_checks(router.track):
            checks.add(tracked)
    witnesses = witnesses_spec(document, node)
    for seen in witnesses.seen if witnesses else ():
        checks.add(seen.check)
    return Config(
        cluster=document.cluster,
        node=node,
        directors=_directors(document),
        failover=_failover(document, node),
        checks=checks.specs(),
        services=services,
        ipvs=ipvs_spec(document.ipvs),
        sync=sync_spec(document, node),
        witnesses=witnesses,
        takeovers=tuple(takeover_specs(document, node)),
        fences=tuple(fence_programs(document, node)),
        refused=tuple(refused_specs(document)),
        notify=notify_spec(document, node),
        health=HealthSettings(workers=document.health.workers, user=document.health.user),
        control=ControlSpec(
            socket=document.control.socket,
            group=document.control.group,
            roles=_roles(document),
            http=document.control.http,
            hosts=tuple(host.lower() for host in document.control.hosts),
            token_file=document.control.token_file,
        ),
        state_dir=document.state_dir,
        sha256=sha256,
    )


def _directors(document: Document) -> tuple[DirectorSpec, ...]:
    priority = director_priorities(document)
    return tuple(
        DirectorSpec(name=name, addresses=director.all_addresses, priority=priority[name])
        for name, director in document.directors.items()
    )


def _roles(document: Document) -> RolesSpec | None:
    roles = document.control.roles
    if roles is None:
        return None
    return RolesSpec(read=_members(roles.read), operate=_members(roles.operate), admin=_members(roles.admin))


def _members(named: schema.Members) -> Members:
    return Members(users=tuple(named.users), groups=tuple(named.groups))


def _failover(document: Document, node: str) -> FailoverSpec:
    routers = tuple(router_spec(document, name, node) for name in document.routers)
    groups = tuple(GroupSpec(name=name, routers=tuple(members)) for name, members in document.groups.items())
    return FailoverSpec(
        node=node,
        mark=f"hactl {document.cluster}",
        routers=routers,
        groups=groups,
        channel=channel_spec(document, node),
    )
