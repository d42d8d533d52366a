"""A sound document to the frozen specs of one director.

The law: nothing is decided here; defaults that depend on other keys come from `hactl.config.resolve`.
"""

from collections.abc import Iterator, Mapping

import msgspec

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
from hactl.ipvs.spec import ServiceSpec
from health.spec import CheckSpec


class Built(msgspec.Struct, frozen=True):
    """A configuration with what it was built of, and its checks by id. `around` is all of the file but its services."""

    document: Document
    around: bytes
    config: Config
    checks: Mapping[str, CheckSpec]


def build(document: Document, node: str, *, sha256: str = "") -> Config:
    """The configuration as the director `node` sees it; `node` is one of the document's directors."""
    return rebuild(None, document, node, sha256=sha256).config


def rebuild(
    before: Built | None, document: Document, node: str, *, around: bytes = b"", sha256: str = ""
) -> Built:
    """The same; where all around them is as before, services that are the same objects in the document stay as built."""
    checks = Checks(document, node)
    if before is not None and (before.config.node, before.around) != (node, around):
        before = None
    services = tuple(_services(before, document, checks))
    config = _config(document, node, sha256, services, checks)
    return Built(document, around, config, checks.by_id)


def _services(before: Built | None, document: Document, checks: Checks) -> Iterator[ServiceSpec]:
    made = {service.name: service for service in before.config.services} if before is not None else {}
    for name, service in document.services.items():
        if before is not None and name in made and before.document.services[name] is service:
            checks.again(made[name], before.checks)
            yield made[name]
        else:
            yield service_spec(document, name, checks)


def _config(
    document: Document, node: str, sha256: str, services: tuple[ServiceSpec, ...], checks: Checks
) -> Config:
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
