"""Which other directors were heard, for status: bounded, since anybody on the link can invent a source address."""

MOST = 32
"""Directors remembered for a router; beyond that the one heard longest ago is forgotten."""


def hear(neighbours: dict[str, float], address: str, now: float) -> None:
    """An advert came from this address; `neighbours` keeps the order in which they were heard."""
    neighbours.pop(address, None)
    neighbours[address] = now
    if len(neighbours) > MOST:
        del neighbours[next(iter(neighbours))]
