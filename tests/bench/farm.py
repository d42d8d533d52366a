"""What is to be checked, in words that both programs under measurement understand.

Owns the sizes and the naming: servers come in services of a hundred, each with an address of its own.
"""

from typing import Literal, NamedTuple

from bench.ground import MORTAL_PORT, PORT, address, mortal

A_SERVICE = 100
Kind = Literal["tcp", "http"]
KINDS: tuple[Kind, ...] = ("tcp", "http")


class Farm(NamedTuple):
    """`servers` real servers checked every `interval` seconds; the first `changed` of them have another weight.

    `retries`: failures in a row that take no server out; they are followed by another check after
    `again` seconds, by default the same interval. A check has `timeout` seconds.
    With `mortals` the servers are those that can be closed. `sharing`: so many services over the same servers, all of them.
    `alpha`: keepalived takes a server up after its first passed check, as hactl always does.
    """

    kind: Kind
    servers: int
    interval: float = 1.0
    changed: int = 0
    retries: int = 0
    mortals: bool = False
    again: float | None = None
    timeout: float = 1.0
    sharing: int = 0
    alpha: bool = False

    @property
    def repeated(self) -> float:
        """Seconds from a failed check to the next."""
        return self.interval if self.again is None else self.again

    def server(self, number: int) -> tuple[str, int]:
        """Address and port."""
        return (mortal(number), MORTAL_PORT) if self.mortals else (address(number), PORT)

    def weight(self, number: int) -> int:
        """The weight in the file."""
        return 2 if number < self.changed else 1

    def services(self) -> list[tuple[str, range]]:
        """The VIPs with the numbers of their servers."""
        if self.sharing:
            return [(f"10.95.200.{number + 1}", range(self.servers)) for number in range(self.sharing)]
        return [
            (f"10.95.{first // A_SERVICE // 250}.{first // A_SERVICE % 250 + 1}", range(first, last))
            for first in range(0, self.servers, A_SERVICE)
            for last in [min(first + A_SERVICE, self.servers)]
        ]
