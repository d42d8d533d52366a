"""What a new failover spec changes: for each router, whether it goes on, adopts, restarts, starts or stops; core."""

from enum import StrEnum

import msgspec

from failover.spec import FailoverSpec, RouterSpec


class Change(StrEnum):
    """What happens to one router at a reload; an unchanged one does not appear."""

    START = "start"
    STOP = "stop"
    ADOPT = "adopt"
    RESTART = "restart"


_IDENTITY = ("vrid", "family", "interface", "version", "transport")
"""Fields that make another router of it on the wire."""


def changes(old: FailoverSpec, new: FailoverSpec) -> dict[str, Change]:
    """The change of every router that changes."""
    before = {router.name: router for router in old.routers}
    after = {router.name: router for router in new.routers}
    plan = {name: Change.STOP for name in before if name not in after}
    for name, router in after.items():
        if name not in before:
            plan[name] = Change.START
        elif before[name] != router:
            plan[name] = Change.ADOPT if _same_router(before[name], router) else Change.RESTART
    return plan


def _same_router(old: RouterSpec, new: RouterSpec) -> bool:
    fields = msgspec.structs.asdict(old), msgspec.structs.asdict(new)
    return all(fields[0][name] == fields[1][name] for name in _IDENTITY)
