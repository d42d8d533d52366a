"""Routers that must be master together: one rule for every mixed state.

Owns the decision only; whoever asks performs it and asks again when a member changed, and now and then. A group is master
where every member is master or would be now; as soon as one member cannot, the others release. Two cases wait for a while:
a member that has just begun to listen, as one that a reload added, may still come to want; and where two directors each win
some of the members, the group's first router decides: who lost it gives up the rest, and who won it waits for that.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from failover import fencing
from failover.moves import Cause, State
from failover.packet import OWNER
from failover.router import Router

_BEGAN = (Cause.STARTED, Cause.FAULT_MENDED)


class Member(msgspec.Struct, frozen=True):
    """One router of a group as it stands; `wanting`: it would be master now if the group allowed.

    `listening`: it has just begun, and may still come to want. `outranked`: it has just lost to another director.
    """

    state: State
    wanting: bool
    releasing: bool = False
    listening: bool = False
    outranked: bool = False
    unfenced: bool = False
    """It must not become master before somebody was fenced."""
    awaiting: bool = False
    """It wants because the group has allowed it, and waits for the witness now."""
    link_gone: bool = False
    """The link of its interface is gone, and the peers are told so."""


class Order(StrEnum):
    """What a member must do."""

    GRANT = "grant"
    FENCE = "fence"
    YIELD = "yield"
    YIELD_TOLD = "yield_told"
    """The peers' own channel tells why, so a successor may come before the skew time is over."""


def member(router: Router, now: float, *, link_gone: bool = False) -> Member:
    """A router as it stands; what it has just begun to be counts for twice its master-down time."""
    patience = 2 * router.master_down_from(router.spec.advert_interval)
    just = router.state is State.BACKUP and now < max(router.since, router.part_from) + patience
    return Member(
        router.state,
        router.wanting or router.awaiting,
        router.releasing,
        listening=just and router.cause in _BEGAN,
        outranked=just and router.cause is Cause.OUTRANKED,
        unfenced=router.wanting and fencing.is_due(router, now),
        awaiting=router.awaiting,
        link_gone=link_gone,
    )


def lowered(routers: Iterable[Router]) -> int:
    """By how much tracking changes the priority of a whole group: by what it found worst of any member."""
    changes = (
        r.tracked - r.spec.priority for r in routers if r.tracked != OWNER and r.state is not State.FAULT
    )
    return min(changes, default=0)


def may_be_taken(router: str, refusals: Mapping[str, str | None]) -> str | None:
    """Why a router that a peer hands over cannot be taken here; `refusals` says it of each that moves with it."""
    if router not in refusals:
        return "it does not run"
    for name, refusal in refusals.items():
        if refusal is not None:
            return refusal if name == router else f"{name} moves with it: {refusal}"
    return None


def settle(members: Mapping[str, Member]) -> dict[str, Order]:
    """The orders that bring the group together; none when it is, or when there is nothing to do but wait.

    `members` are in the group's order.
    """
    missing = [m for m in members.values() if m.state is not State.MASTER and not m.wanting]
    unfenced = [name for name, m in members.items() if m.unfenced]
    if not missing and unfenced:
        return dict.fromkeys(unfenced, Order.FENCE)
    if not missing:
        return {name: Order.GRANT for name, m in members.items() if m.wanting and not m.awaiting}
    first_won = next(iter(members.values())).state is State.MASTER
    if all(m.listening or (m.outranked and first_won) for m in missing):
        return {}
    going = (
        name for name, m in members.items() if m.awaiting or (m.state is State.MASTER and not m.releasing)
    )
    told = any(m.link_gone for m in missing)
    return dict.fromkeys(going, Order.YIELD_TOLD if told else Order.YIELD)
