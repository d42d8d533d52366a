"""The weather between the campaign's hosts: what becomes of one frame from one port to another.

Owns the rules; its law: a verdict follows from rules, frame and dice alone. Times in seconds.
"""

import struct
from random import Random

import msgspec

VRRP, ARP, CHANNEL, ANY = "vrrp", "arp", "channel", "any"
CHANNEL_PORT = 6940
_TAGS = {b"\x08\x06": ARP}


class Rule(msgspec.Struct, frozen=True):
    """What happens to frames of a kind on the way from one port to another ("*": any). The first that fits decides."""

    sender: str = "*"
    receiver: str = "*"
    kind: str = ANY
    loss: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    """Each copy waits for a random time up to this, so frames overtake each other."""

    def fits(self, sender: str, receiver: str, kind: str) -> bool:
        """Whether it speaks of this way and kind."""
        return self.sender in ("*", sender) and self.receiver in ("*", receiver) and self.kind in (ANY, kind)


def kind_of(frame: bytes) -> str:
    """The kind of an Ethernet frame."""
    tag = frame[12:14]
    if tag == b"\x08\x00" and len(frame) >= 38:
        if frame[23] == 112:
            return VRRP
        if frame[23] == 17 and CHANNEL_PORT in struct.unpack_from(">HH", frame, 14 + 4 * (frame[14] & 15)):
            return CHANNEL
    return _TAGS.get(tag, "other")


def verdict(rules: list[Rule], sender: str, receiver: str, frame: bytes, dice: Random) -> list[float]:
    """The delays with which copies of a frame arrive; none when it is lost."""
    kind = kind_of(frame)
    rule = next((rule for rule in rules if rule.fits(sender, receiver, kind)), None)
    if rule is None:
        return [0.0]
    if dice.random() < rule.loss:
        return []
    copies = 2 if dice.random() < rule.duplicate else 1
    return [dice.uniform(0.0, rule.delay) if rule.delay else 0.0 for _ in range(copies)]
