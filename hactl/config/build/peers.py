"""The directors' own channel as the failover worker of one director gets it."""

from collections.abc import Iterator

from failover.peer.spec import PeerChannelSpec, PeerDirector, PeerLink
from hactl.config.schema.document import Document
from hactl.ipvs.model import family_of


def channel_spec(document: Document, node: str) -> PeerChannelSpec | None:
    """The channel, None without a key: every path to every other director."""
    peer = document.peer
    if peer is None or peer.key_file is None:
        return None
    others = (name for name in document.directors if name != node)
    directors = (PeerDirector(name=name, links=tuple(_links(document, node, name))) for name in others)
    return PeerChannelSpec(
        cluster=document.cluster,
        node=node,
        peers=tuple(director for director in directors if director.links),
        port=peer.port,
        key_file=peer.key_file,
    )


def _links(document: Document, node: str, other: str) -> Iterator[PeerLink]:
    """The directors' addresses paired by family, then the further paths."""
    mine, theirs = document.directors[node].all_addresses, document.directors[other].all_addresses
    for own in mine:
        for address in theirs:
            if family_of(own) == family_of(address):
                yield PeerLink(own=own, peer=address)
    for link in document.peer.links if document.peer else ():
        yield PeerLink(own=link[node], peer=link[other])
