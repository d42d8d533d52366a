"""Rules between objects: what no schema of one section can know.

Each rule is a plain function from a `World` to findings; this is the list of them.
"""

from collections.abc import Callable, Iterator

from hactl.config.rules import (
    acceptance,
    addresses,
    checks,
    control,
    directors,
    notify,
    references,
    routers,
    servers,
    services,
    virtual_mac,
    ways,
    witness,
)
from hactl.config.rules.finding import Finding, World

Rule = Callable[[World], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    *directors.RULES,
    *references.RULES,
    *routers.RULES,
    *addresses.RULES,
    *acceptance.RULES,
    *virtual_mac.RULES,
    *ways.RULES,
    *witness.RULES,
    *checks.RULES,
    *services.RULES,
    *servers.RULES,
    *notify.RULES,
    *control.RULES,
)


def judge(world: World) -> Iterator[Finding]:
    """Everything that any rule finds."""
    for rule in RULES:
        yield from rule(world)
