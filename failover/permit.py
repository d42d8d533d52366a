"""What witnesses allow one router, as whoever asks them says it; core."""

import msgspec


class Permit(msgspec.Struct, frozen=True):
    """The witnesses are seen until `seen_until`, an arbiter's lease is ours until `key_until`, both monotonic seconds.

    `claim` is the claim that the lease was had for, 0 for none. For people: `reason` says which witnesses are missing now,
    or who has the lease; `lacks` which will be, if none of them answers again, at `seen_until`.
    """

    seen_until: float = float("-inf")
    key_until: float = float("-inf")
    claim: int = 0
    reason: str = ""
    lacks: str = ""


NOTHING = Permit()
"""What is allowed before anything was asked."""
