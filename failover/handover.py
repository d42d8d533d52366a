"""Handing routers over by name and taking them: the channel's words to elections, and theirs to the channel.

Owns which peer each router goes to or comes from. The law: a set of routers that move together goes to one peer; where none
can take it, or it does not answer, VRRP's own release follows.
"""

import asyncio
from collections.abc import Callable, Mapping

from failover import handing
from failover.group import may_be_taken
from failover.groups import Groups
from failover.instance import Instance
from failover.moves import State
from failover.peer.actions import HandoverAsked, HandoverDone, HandoverFailed, HandoverReady
from failover.peer.channel import PeerChannel
from failover.report import Remark
from failover.successor import successor
from failover.surroundings import Handed
from failover.witness import is_exclusive

News = HandoverAsked | HandoverReady | HandoverDone | HandoverFailed


class Handing:
    """All handovers by name of this director. `find` gives a router that runs or is leaving, `say` takes a remark."""

    def __init__(
        self,
        channel: PeerChannel,
        groups: Groups,
        find: Callable[[str], Instance | None],
        say: Callable[[Remark], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._groups = groups
        self._find = find
        self._say = say
        self._giving: dict[str, str] = {}
        self._awaited: set[str] = set()
        """Routers whose taker is ready, and waits for us to let go."""
        self._taking: dict[str, str] = {}

    # ---- giving -------------------------------------------------------------------------------------------------

    def give(self, router: str | None, *, hold: float, forever: bool = False) -> None:
        """Hand over one router with those that move with it, or (None) all; see `Election.release`."""
        chosen = self.choose(router)
        for name in self._groups.members(router):
            instance = self._find(name)
            if instance is not None:
                instance.release(hold=hold, forever=forever, named=name in chosen)
        self.ask(chosen)

    def choose(self, router: str | None) -> dict[str, str]:
        """Which peer to ask for each of these; a router that none can take is not in there."""
        chosen: dict[str, str] = {}
        for together in self._groups.together(router):
            masters = [name for name in together if self._is_master(name)]
            if any((i := self._find(name)) and is_exclusive(i.election.router) for name in masters):
                continue  # The arbiter's lease must be free before anybody can follow.
            peer = successor(self._channel.reports(), masters)
            if peer is not None:
                chosen.update(dict.fromkeys(masters, peer))
        return chosen

    def ask(self, chosen: Mapping[str, str]) -> None:
        """Ask the peers; to be called when these routers are silent here."""
        for router, peer in chosen.items():
            if router not in self._giving:
                self._giving[router] = peer
                self._say(Remark(router, f"asking {peer} to take over"))
                self._channel.ask(router, peer)

    def handed(self, router: str, how: Handed) -> None:
        """A router here has come so far."""
        if how is Handed.LET_GO:
            self._let_go(router)
        elif router in self._taking:
            if how is Handed.READY:
                self._channel.ready(router, self._taking[router])
            else:
                self._channel.refuse(router, self._taking.pop(router), "it could not put the addresses up")

    def _let_go(self, router: str) -> None:
        instance = self._find(router)
        if router in self._awaited and (instance is None or not instance.election.router.holding):
            self._awaited.discard(router)
            self._channel.done(router, self._giving.pop(router))

    # ---- both ---------------------------------------------------------------------------------------------------

    def hear(self, peer: str, news: News) -> None:
        """A peer's word about a handover."""
        match news:
            case HandoverAsked(router):
                self._asked(peer, router)
            case HandoverReady(router) if self._giving.get(router) == peer:
                self._awaited.add(router)
                self._act(router, handing.ready)
                self._let_go(router)
            case HandoverDone(router) | HandoverFailed(router) if self._taking.get(router) == peer:
                del self._taking[router]
                self._act(router, handing.given)
            case HandoverFailed(router, reason) if self._giving.get(router) == peer:
                del self._giving[router]
                self._awaited.discard(router)
                self._say(Remark(router, f"{peer} does not take over: {reason}", warning=True))
                self._act(router, handing.unanswered)

    def _asked(self, peer: str, router: str) -> None:
        """Take it, if all that move with it can be taken."""
        now = self._loop.time()
        members = [i for name in self._groups.members(router) if (i := self._find(name))]
        refusal = may_be_taken(
            router, {i.spec.name: handing.refusal(i.election.router, now) for i in members}
        )
        if refusal is not None:
            self._say(Remark(router, f"{peer} hands over; refused: {refusal}"))
            self._channel.refuse(router, peer, refusal)
            return
        self._say(Remark(router, f"{peer} hands over"))
        self._taking[router] = peer
        self._act(router, handing.asked)

    def _act(self, router: str, decide: handing.Decide) -> None:
        instance = self._find(router)
        if instance is not None:
            instance.act(lambda election, now: election.hand(decide, now))

    def _is_master(self, router: str) -> bool:
        instance = self._find(router)
        return instance is not None and instance.state is State.MASTER
