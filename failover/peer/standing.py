"""How a director stands, as it tells its peers: is its daemon ending, and its routers one by one."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from failover.moves import State
from failover.peer.actions import PeerMaster, Word, WordHeard

MOST_ROUTERS = 4096
"""Routers in a standing; more are not believed."""


class RouterView(msgspec.Struct, frozen=True, array_like=True):
    """One router as its director sees it.

    `priority` is the effective one, `source` the address its adverts come from, `master` the address of the director it
    believes master (both empty where there is none), `link_gone` whether the link of its interface, or of another in its
    group, is gone, `standby` whether the director stands aside.
    """

    router: str
    state: State
    priority: int
    source: str = ""
    master: str = ""
    link_gone: bool = False
    standby: bool = False


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """A director's word on itself."""

    ending: bool = False
    routers: Annotated[tuple[RouterView, ...], msgspec.Meta(max_length=MOST_ROUTERS)] = ()


_SILENT = (Word.STANDING, "")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Standing)


def encode_standing(standing: Standing) -> bytes:
    """A standing as bytes."""
    return _ENCODER.encode(standing)


def decode_standing(data: bytes) -> Standing | None:
    """A standing from bytes, None when they are none."""
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def news(old: Standing, new: Standing) -> Iterator[WordHeard | PeerMaster]:
    """All that a new standing says and the old one did not."""
    yield from words(old, new)
    yield from masters(old, new)


def masters(old: Standing, new: Standing) -> Iterator[PeerMaster]:
    """The routers of which the peer has become master, or is no longer."""
    before, after = _mastered(old), _mastered(new)
    for router in sorted(before.keys() ^ after.keys()):
        view = after.get(router) or before[router]
        yield PeerMaster(router, view.priority, view.source)


def _mastered(standing: Standing) -> dict[str, RouterView]:
    return {view.router: view for view in standing.routers if view.state is State.MASTER}


def words(old: Standing, new: Standing) -> Iterator[WordHeard]:
    """What a new standing says that the old one did not: of the daemon, then of each router with its advert source.

    A router that is in neither or was left out stands. Of two words the stronger is said: a link that is gone.
    """
    if old.ending != new.ending:
        yield WordHeard(Word.ENDING if new.ending else Word.STANDING, None)
    before, after = _by_router(old), _by_router(new)
    for router in sorted(before.keys() | after.keys()):
        said, _ = before.get(router, _SILENT)
        word, source = after.get(router, (Word.STANDING, before.get(router, _SILENT)[1]))
        if word is not said:
            yield WordHeard(word, router, source)


def _by_router(standing: Standing) -> dict[str, tuple[Word, str]]:
    usual = Word.ENDING if standing.ending else Word.STANDING
    return {
        view.router: (Word.LINK_GONE if view.link_gone else usual, view.source) for view in standing.routers
    }
