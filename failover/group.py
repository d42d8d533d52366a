"""Routers that must be master together: one rule for every mixed state.

Owns the decision only; whoever asks performs it and asks again when a member changed. A group is master where every
member is master or would be now; as soon as one member cannot, the others release.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from failover.moves import State


class Member(msgspec.Struct, frozen=True):
    """One router of a group as it stands; `wanting`: it would be master now if the group allowed."""

    state: State
    wanting: bool
    releasing: bool = False


class Order(StrEnum):
    """What a member must do."""

    GRANT = "grant"
    YIELD = "yield"


def may_be_taken(router: str, refusals: Mapping[str, str | None]) -> str | None:
    """Why a router that a peer hands over cannot be taken here; `refusals` says it of each that moves with it."""
    if router not in refusals:
        return "it does not run"
    for name, refusal in refusals.items():
        if refusal is not None:
            return refusal if name == router else f"{name} moves with it: {refusal}"
    return None


def settle(members: Mapping[str, Member]) -> dict[str, Order]:
    """The orders that bring the group together; none when it is, or when there is nothing to do but wait."""
    if all(m.state is State.MASTER or m.wanting for m in members.values()):
        return {name: Order.GRANT for name, m in members.items() if m.wanting}
    return {name: Order.YIELD for name, m in members.items() if m.state is State.MASTER and not m.releasing}
