"""What somebody may do with a running daemon: read, operate, admin; core.

Owns the three roles and who has which. The law: each role includes the ones before it; root and the daemon's own user
have the last one always; who is named nowhere has none, once anybody is named.
"""

from collections.abc import Set
from enum import StrEnum

from hactl.config.model import Members, RolesSpec


class Role(StrEnum):
    """How much somebody may do, from least to most."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    @property
    def text(self) -> str:
        """What it permits, in words for people."""
        return _TEXTS[self]

    def includes(self, other: "Role") -> bool:
        """Whether this role permits all that `other` does."""
        order = list(Role)
        return order.index(self) >= order.index(other)


_TEXTS = {
    Role.READ: "status, events and overrides are shown",
    Role.OPERATE: "and servers are drained, problems acknowledged, routers handed over, channels tried, a reload foreseen",
    Role.ADMIN: "and the configuration is reloaded",
}


def role_of(roles: RolesSpec | None, user: str, groups: Set[str]) -> Role | None:
    """The highest role that names this user or one of the groups. Without `roles` whoever the socket lets in may all."""
    if roles is None:
        return Role.ADMIN
    for role in reversed(list(Role)):
        members: Members = getattr(roles, role.value)
        if user in members.users or not groups.isdisjoint(members.groups):
            return role
    return None


def wanting(who: str, has: Role | None, needed: Role) -> str:
    """The sentence for somebody whose role is not enough."""
    held = f"has only role {has.value}" if has is not None else "has no role here"
    return f"this needs role {needed.value}, and {who} {held} (control.roles in hactl.yaml)"
