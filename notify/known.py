"""What the receiver of one channel knows of one problem, and what it is told next; core.

The law: the receiver always learns the present state in the end. What is left out is a problem that was over before it
mattered (`after`), a change that another one followed (`every`), and the end of what was never told. Times are wall-clock
seconds since the epoch, for they outlive a restart.
"""

from math import inf

import msgspec

from notify.event import Event
from notify.problem import IN_ITSELF, Role, place
from notify.render import when
from notify.spec import ChannelSpec


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`told` is what the receiver was told last, `told_at` when, `times` how often. `news` it was not told yet; `since` is
    when the problem that this is about began, `begins` when it began lately, `skipped` counts what was left out."""

    told: Event | None = None
    told_at: float = 0.0
    times: int = 0
    news: Event | None = None
    since: float = 0.0
    begins: tuple[float, ...] = ()
    skipped: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the receiver was told of a problem and not of its end."""
        return self.told is not None and place(self.told)[1] is Role.BEGINS

    @property
    def begins_next(self) -> bool:
        """Whether the receiver is to be told of a problem."""
        return self.news is not None and place(self.news)[1] is Role.BEGINS


class Step(msgspec.Struct, frozen=True):
    """What is known then, and the ids of events that need not be told any more."""

    known: Known
    dropped: tuple[str, ...] = ()


def by_now(known: Known, now: float) -> Known:
    """The same without a moment in the future: since then the clock was set back."""
    if max(known.told_at, known.since) <= now:
        return known
    begins = tuple(min(at, now) for at in known.begins)
    return msgspec.structs.replace(
        known, told_at=min(known.told_at, now), since=min(known.since, now), begins=begins
    )


def learn(known: Known, event: Event, spec: ChannelSpec, *, acknowledged: bool = False) -> Step:
    """Take an event of this problem; `acknowledged`: an operator has said of the problem that it is known."""
    if place(event)[1] is Role.BEGINS:
        return _begins(known, event, spec, acknowledged)
    return _ends(known, event, spec)


def _begins(known: Known, event: Event, spec: ChannelSpec, acknowledged: bool) -> Step:
    if not known.is_open and not known.begins_next:
        within = spec.after.within if spec.after else 0.0
        begins = tuple(at for at in known.begins if event.at - at < within)
        known = msgspec.structs.replace(known, since=event.at, begins=(*begins, event.at))
    if _says_again(known, event) and (
        acknowledged or event.at < known.told_at + max(spec.every, spec.repeat)
    ):
        return _without_news(known, event)
    return _with_news(known, event)


def _ends(known: Known, event: Event, spec: ChannelSpec) -> Step:
    if spec.recovery is False:
        known = msgspec.structs.replace(known, told=None)
        return _with_news(known, event) if event.kind in IN_ITSELF else _without_news(known, event)
    if known.is_open:
        return _with_news(known, event)
    never_told = known.begins_next or spec.after is not None or spec.recovery is True
    if never_told or (_says_again(known, event) and event.at < known.told_at + spec.every):
        return _without_news(known, event)
    return _with_news(known, event)


def _says_again(known: Known, event: Event) -> bool:
    return known.told is not None and (known.told.kind, known.told.new) == (event.kind, event.new)


def _with_news(known: Known, event: Event) -> Step:
    former = (known.news.id,) if known.news else ()
    skipped = known.skipped + len(former)
    return Step(msgspec.structs.replace(known, news=event, skipped=skipped), former)


def _without_news(known: Known, event: Event) -> Step:
    """Both what was to be told and its contrary are left out; a lone one that is left out says nothing new."""
    if known.news is None:
        return Step(known, (event.id,))
    skipped = known.skipped + 2
    return Step(msgspec.structs.replace(known, news=None, skipped=skipped), (known.news.id, event.id))


def due_at(known: Known, spec: ChannelSpec) -> float | None:
    """When its news may be told, None while there is none."""
    if known.news is None:
        return None
    mature = _mature_at(known, spec) if known.begins_next and not known.is_open else 0.0
    throttled = known.told_at + spec.every if spec.every and known.told_at and not _is_worse(known) else 0.0
    return max(mature, throttled)


def _mature_at(known: Known, spec: ChannelSpec) -> float:
    """When a problem has lasted long enough, or has begun often enough."""
    if spec.after is None:
        return 0.0
    often = spec.after.failures and len(known.begins) >= spec.after.failures
    return known.since if often else known.since + spec.after.lasting


def _is_worse(known: Known) -> bool:
    """Whether a problem that the receiver knows has become more severe: that waits for nothing."""
    if known.told is None or known.news is None or not known.is_open:
        return False
    return known.news.severity.rank > known.told.severity.rank


def hand_over(known: Known, now: float) -> tuple[Known, Event]:
    """Its news, which must be there, is told now."""
    news = known.news
    assert news is not None
    told = news
    if known.skipped:
        more = f"{known.skipped} changes before were not told"
        told = msgspec.structs.replace(news, reason=f"{news.reason} ({more})" if news.reason else more)
    known = msgspec.structs.replace(known, told=news, told_at=now, times=1, news=None, skipped=0)
    return known, told


def remind_at(known: Known, spec: ChannelSpec) -> float:
    """When the receiver is to be told again of a problem that lasts; infinite when never."""
    return known.told_at + spec.repeat if spec.repeat and known.is_open and known.news is None else inf


def remind(known: Known, now: float) -> tuple[Known, Event]:
    """What was told, which must be a problem, told again."""
    told = known.told
    assert told is not None
    reason = f"still so since {when(told.at)}, until `hactl ack {told.subject}`: {told.reason}"
    again = msgspec.structs.replace(told, id=f"{told.id}.{known.times}", reason=reason, at=now)
    return msgspec.structs.replace(known, told_at=now, times=known.times + 1), again
