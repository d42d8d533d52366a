"""What the adverts of each router are protected with: nothing, VRRPv2's password, or the HMAC trailer.

Owns which router has what, from the secrets that the supervisor read. The law: a router whose secret cannot be used is in
fault and says why; a reload that changes nothing of a router's protection forgets nothing of it. Core.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from failover.ip import Received
from failover.packet import Advert, Drop
from failover.password import is_right, read_password
from failover.seals import Seals
from failover.spec import Authentication, RouterSpec
from failover.trailer_clock import Moment, TrailerClock
from failover.trailer_keys import read_trailer_keys


@dataclass(frozen=True, slots=True)
class Guard:
    """The protection of one router; without either there is none."""

    password: bytes = field(default=b"", repr=False)
    seals: Seals | None = None

    def close(self, message: bytes, source: bytes, destination: bytes, at: Moment) -> bytes:
        """An encoded advert, which holds the password already, as it is sent."""
        return message if self.seals is None else self.seals.seal(message, source, destination, at)

    def refuse(self, advert: Advert, received: Received, at: Moment) -> Drop | None:
        """Why an advert is not taken as a peer's."""
        if not is_right(advert.password, self.password):
            return Drop.WRONG_AUTHENTICATION
        if self.seals is None:
            return Drop.WRONG_AUTHENTICATION if advert.sealed else None
        return self.seals.refuse(advert, received.message, received.source, at)


NONE = Guard()


class Guards:
    """Those of this director's routers, by name; a router that leaves keeps its own for its release."""

    def __init__(self) -> None:
        self.clock = TrailerClock()
        self.usable: dict[str, Guard] = {}
        self.unusable: dict[str, str] = {}
        """In words why a router that should be protected is not."""

    def take(self, specs: Iterable[RouterSpec], secrets: Mapping[str, str], at: Moment) -> list[str]:
        """Read them anew from the files' contents by path; the names of the routers that should look anew."""
        self.clock.look(at)
        return [spec.name for spec in specs if self._take_one(spec, secrets)]

    def of(self, spec: RouterSpec) -> Guard:
        """The router's guard."""
        return self.usable.get(spec.name, NONE)

    def text(self, spec: RouterSpec, at: Moment) -> str:
        """For status: that the router's adverts carry another time than this host's clock has."""
        if self.of(spec).seals is None or not self.clock.is_set(at):
            return ""
        ahead = -self.clock.difference(at)
        return f"signed adverts carry a time {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this host's clock"

    def look(self, at: Moment) -> str:
        """Watch the wall clock; a warning for the log when it was set and some trailer carries it."""
        warning = self.clock.look(at)
        return warning if any(guard.seals for guard in self.usable.values()) else ""

    def _take_one(self, spec: RouterSpec, secrets: Mapping[str, str]) -> bool:
        before = self.unusable.pop(spec.name, "")
        old = self.usable.pop(spec.name, NONE)
        guard = self._read(spec, secrets, old.seals)
        if isinstance(guard, str):
            self.unusable[spec.name] = guard
        elif guard != NONE:
            self.usable[spec.name] = guard
        return before != self.unusable.get(spec.name, "")

    def _read(self, spec: RouterSpec, secrets: Mapping[str, str], seals: Seals | None) -> Guard | str:
        file = spec.authentication_file
        if spec.authentication is Authentication.NONE or file is None:
            return NONE
        text = secrets.get(file)
        if spec.authentication is Authentication.PASSWORD:
            password = read_password(text, file)
            return password if isinstance(password, str) else Guard(password)
        keys = read_trailer_keys(text, file)
        if isinstance(keys, str):
            return keys
        if seals is None:
            return Guard(seals=Seals(spec.trailer, keys, self.clock))
        seals.spec, seals.keys = spec.trailer, keys
        return Guard(seals=seals)
