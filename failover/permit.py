"""What witnesses allow one router, as whoever asks them says it; core."""

import msgspec


class Permit(msgspec.Struct, frozen=True):
    """The witnesses are seen until `seen_until`, an arbiter's lease is ours until `key_until`, both monotonic seconds.

    `claim` is the claim that the lease was had for, 0 for none. `reason` says which witnesses are missing, or who has the
    lease, for people.
    """

    seen_until: float = float("-inf")
    key_until: float = float("-inf")
    claim: int = 0
    reason: str = ""


NOTHING = Permit()
"""What is allowed before anything was asked."""
