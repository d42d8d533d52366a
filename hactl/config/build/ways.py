"""Routes and rules of a router as the failover worker of one director gets them."""

from failover.ways import RouteKind, RouteSpec, RuleSpec
from hactl.config import resolve
from hactl.config.schema.routers import Router
from hactl.config.schema.ways import Route, Rule

_EVERYTHING = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}


def routes(router: Router, node: str) -> tuple[RouteSpec, ...]:
    """The routes, with the interface of this director."""
    return tuple(_route(router, route, node) for route in router.routes)


def rules(router: Router, node: str) -> tuple[RuleSpec, ...]:
    """The rules likewise; to or from everything is no condition."""
    return tuple(_rule(router, rule, node) for rule in router.rules)


def _route(router: Router, route: Route, node: str) -> RouteSpec:
    to = _EVERYTHING[resolve.way_family(router, route.to, route.via, route.source)]
    interface = resolve.here(route.interface, node) or resolve.here(router.interface, node)
    return RouteSpec(
        to=to if route.to == "default" else route.to,
        via=route.via,
        interface=interface if route.type == "unicast" else None,
        source=route.source,
        table=route.table,
        metric=route.metric,
        kind=RouteKind(route.type),
    )


def _rule(router: Router, rule: Rule, node: str) -> RuleSpec:
    return RuleSpec(
        priority=rule.priority,
        table=rule.table,
        ipv6=resolve.way_family(router, rule.source, rule.to) == "ipv6",
        source=None if rule.source == "default" else rule.source,
        to=None if rule.to == "default" else rule.to,
        interface=resolve.here(rule.interface, node),
        mark=rule.mark,
    )
