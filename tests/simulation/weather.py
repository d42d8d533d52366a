"""The networks between directors: loss, copies, delays, cuts, all of it in multiples of the advert interval.

Owns what happens to each message. Fair weather keeps, on every way from one director to another, `delay` and runs of at most
`run` lost messages with delay + run < master-down - interval (2 intervals and the skew time): then a dead master's last
advert arrives before anybody's patience ends. Wild weather keeps to nothing: 60 % loss, 5 intervals of delay.
"""

import random
from dataclasses import dataclass, field

COPIES = 0.03
"""How often a message arrives twice."""
PROMPT = 0.5
"""Intervals."""
SOONEST = 0.0001
"""Seconds that every message takes."""


@dataclass(frozen=True)
class Weather:
    """`loss` is a chance, `delay` intervals, `run` the most messages lost in a row (None: any number)."""

    name: str
    loss: float
    delay: float
    run: int | None

    @property
    def fair(self) -> bool:
        """Whether more is promised than recovery."""
        return self.run is not None

    @property
    def prompt(self) -> bool:
        """Whether an advert that was sent before another one surely counts before it, so that a VIP is never without a
        holder: with longer delays one of a master that has yielded since may make its winner yield."""
        return self.fair and self.delay < PROMPT

    def longest(self, interval: float) -> float:
        """The longest delay in seconds."""
        return SOONEST + self.delay * interval


CALM = Weather("calm", 0.0, 0.02, 0)
FAIR = (
    CALM,
    Weather("slow", 0.0, 0.4, 0),
    Weather("lossy", 0.3, 0.1, 1),
    Weather("lossy", 0.1, 0.3, 1),
    Weather("far", 0.0, 1.8, 0),
    Weather("far and lossy", 0.3, 0.8, 1),
)
"""Each leaves a tenth of an interval and more for clocks that run differently and timers that are late."""
WILD = (
    Weather("60 % loss", 0.6, 0.2, None),
    Weather("30 % loss, delays of 5 intervals", 0.3, 5.0, None),
    Weather("delays of 5 intervals", 0.0, 5.0, None),
    Weather("45 % loss, delays of 2 intervals", 0.45, 2.0, None),
)


@dataclass
class Network:
    """One network: the ways between directors, by number."""

    chance: random.Random
    interval: float
    weather: Weather = CALM
    cuts: set[tuple[int, int]] = field(default_factory=set)
    _lost: dict[tuple[int, int, int], int] = field(default_factory=dict)

    @property
    def longest(self) -> float:
        """The longest delay in seconds."""
        return self.weather.longest(self.interval)

    def arrivals(self, sender: int, receiver: int, kind: int) -> tuple[float, ...]:
        """After how many seconds the copies of one message arrive, none for loss; runs are counted for each kind."""
        if (sender, receiver) in self.cuts:
            return ()
        weather, chance = self.weather, self.chance.random
        if weather.loss:
            way = sender, receiver, kind
            lost = self._lost.get(way, 0)
            if (weather.run is None or lost < weather.run) and chance() < weather.loss:
                self._lost[way] = lost + 1
                return ()
            self._lost[way] = 0
        longest = weather.delay * self.interval
        if chance() < COPIES:
            return SOONEST + chance() * longest, SOONEST + chance() * longest
        return (SOONEST + chance() * longest,)
