"""What the processes of one director say to each other: the closed list of messages, by direction.

The law: a message is frozen, typed and complete in itself; a new generation of specs is prepared by every worker before
any of them is told to commit to it. Times are monotonic seconds (one clock for all processes of a host) unless named
wall-clock.
"""

from enum import StrEnum

import msgspec

from failover.fence_words import FenceAnswer
from failover.lateness import Lateness
from failover.peer.report import PeerReport
from failover.permit import Permit
from failover.priority import Judgement
from failover.report import Told as RoutersTold
from failover.spec import FailoverSpec, Standby
from health.result import Outcome, Repeats, Transition, outcome
from health.spec import HealthSpec
from notify.event import Event
from notify.spec import NotifySpec


class Beat(msgspec.Struct, frozen=True, tag=True):
    """Sent each second in both directions: the sender's loop turns."""

    at: float


class Stop(msgspec.Struct, frozen=True, tag=True):
    """An orderly end: finish what must be finished, then exit."""

    reason: str


class Commit(msgspec.Struct, frozen=True, tag=True):
    """Every worker has prepared this generation: make it the one in force."""

    generation: int


class Discard(msgspec.Struct, frozen=True, tag=True):
    """Some worker could not prepare this generation: forget it."""

    generation: int


class PrepareFailover(msgspec.Struct, frozen=True, tag=True):
    """A new generation of failover specs.

    `peer_keys` is the text of the peer channel's key file, `secrets` that of the routers' files by path: never to be logged.
    """

    generation: int
    spec: FailoverSpec
    peer_keys: str = ""
    secrets: dict[str, str] = {}


class PrepareHealth(msgspec.Struct, frozen=True, tag=True):
    """A new generation of checks for this health worker. `secrets` maps the secret files that they name to their content."""

    generation: int
    spec: HealthSpec
    secrets: dict[str, str] = {}


class PageSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The page: host names it answers to besides addresses, and whether operators with a token may act on it."""

    hosts: tuple[str, ...] = ()
    operable: bool = False


class PrepareNotify(msgspec.Struct, frozen=True, tag=True):
    """A new generation of channels. `secrets` maps the secret files named in the spec to their content."""

    generation: int
    spec: NotifySpec
    node: str
    cluster: str
    secrets: dict[str, str]
    page: PageSpec = PageSpec()


class WithHosts(msgspec.Struct, frozen=True):
    """A program that is called with some of these hosts after its own arguments."""

    command: tuple[str, ...]
    user: str
    hosts: tuple[str, ...]


class AllowPrograms(msgspec.Struct, frozen=True, tag=True):
    """From now on exactly these may be run for a worker: command and user. Said by the supervisor to the worker's helper,
    never by the worker, which may have been turned by what it talks to."""

    programs: tuple[tuple[tuple[str, ...], str], ...]
    with_hosts: tuple[WithHosts, ...] = ()


class Handover(msgspec.Struct, frozen=True, tag=True):
    """Give mastership of a router (None: of all) to a peer and hold back for `hold` seconds."""

    router: str | None
    hold: float


class SharePayload(msgspec.Struct, frozen=True, tag=True):
    """Bring this to the supervisors of all peers; versions rise."""

    version: int
    data: bytes


class HoldBack(msgspec.Struct, frozen=True, tag=True):
    """Do not preempt the director of this address, which was handed the router, before then (monotonic seconds)."""

    router: str
    until: float
    master: str


class StandAside(msgspec.Struct, frozen=True, tag=True):
    """Hand over what is held, and stand aside from now on; `Standby.OFF`: no longer."""

    standby: Standby


class Judged(msgspec.Struct, frozen=True, tag=True):
    """All verdicts on what is tracked, and what witnesses allow. `settled`: the first round of checks is over."""

    verdicts: tuple[Judgement, ...]
    settled: bool
    permits: dict[str, Permit] = {}


class Resume(msgspec.Struct, frozen=True, tag=True):
    """End a hold-back after a handover, for one router or (None) all."""

    router: str | None


class Emit(msgspec.Struct, frozen=True, tag=True):
    """Record this event in the history and send it to the channels that want it."""

    event: Event


class TestChannel(msgspec.Struct, frozen=True, tag=True):
    """Have this channel deliver this event now, whatever its filter, and say how that went."""

    id: int
    channel: str
    event: Event


class Standing(msgspec.Struct, frozen=True, tag=True):
    """The problems that there are, by topic and subject, and those of them that operators have acknowledged."""

    open: tuple[tuple[str, str], ...]
    acknowledged: tuple[tuple[str, str], ...]


class HistoryQuery(msgspec.Struct, frozen=True, tag=True):
    """Ask for events at or after `since` (wall clock), after the row `after`, in order of time: the oldest `limit` of them,
    or with `last` the newest."""

    id: int
    since: float = 0.0
    after: int = 0
    limit: int = 1000
    last: bool = False


class Told(msgspec.Struct, frozen=True, tag=True):
    """The answer to an `Ask`: an HTTP status and JSON, as the control socket would give them."""

    id: int
    status: int
    body: bytes


class Prepared(msgspec.Struct, frozen=True, tag=True):
    """The worker can commit to this generation, or cannot and says why."""

    generation: int
    fault: str | None = None


class NoteLevel(StrEnum):
    """Level of a note from a worker."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Note(msgspec.Struct, frozen=True, tag=True):
    """A line for the log; workers do not write logs themselves."""

    level: NoteLevel
    text: str
    fields: dict[str, str] = {}


class Transitions(msgspec.Struct, frozen=True, tag=True):
    """Verdicts that changed, sent at once."""

    transitions: tuple[Transition, ...]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The results that changed them."""
        return tuple(map(outcome, self.transitions))


class Outcomes(msgspec.Struct, frozen=True, tag=True):
    """The latest results that are news, for status; sent once a second in one message, only those checks that ran since."""

    outcomes: tuple[Outcome, ...]


class ChannelReport(msgspec.Struct, frozen=True, tag=True):
    """State of one notification channel: counts since start, the last error as words (empty: none), how many are held."""

    name: str
    delivered: int
    failed: int
    waiting: int
    error: str
    held: int = 0


class ChannelTested(msgspec.Struct, frozen=True, tag=True):
    """The end of a test: the failure in words, empty when the receiver took it."""

    id: int
    failure: str


class HistoryAnswer(msgspec.Struct, frozen=True, tag=True):
    """The events asked for with the row number of each, in order of time."""

    id: int
    events: tuple[tuple[int, Event], ...]


class Wanted(StrEnum):
    """What the page may ask of the supervisor, by the API's names. All but the status needs a token."""

    STATUS = "status"
    OVERRIDES = "overrides"
    ACKS = "acks"
    HANDOVER = "handover"
    STANDBY = "standby"
    RESUME = "resume"
    RELOAD = "reload"


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A request that came to the page: its JSON body, the token it brought, and from where it came."""

    id: int
    wanted: Wanted
    body: bytes = b""
    token: str = ""
    origin: str = ""


ToWorker = (
    Beat
    | Stop
    | Commit
    | Discard
    | PrepareFailover
    | PrepareHealth
    | PrepareNotify
    | Handover
    | HoldBack
    | StandAside
    | FenceAnswer
    | Judged
    | SharePayload
    | Resume
    | Emit
    | HistoryQuery
    | TestChannel
    | Standing
    | Told
)

_Any = Beat | Prepared | Note
FromFailover = _Any | RoutersTold | PeerReport | Lateness
FromHealth = _Any | Transitions | Outcomes | Repeats
FromNotify = _Any | ChannelReport | ChannelTested | HistoryAnswer | Ask
"""What each kind of worker may say: one that a probed server has turned must not be able to speak of addresses."""
FromWorker = FromFailover | FromHealth | FromNotify
