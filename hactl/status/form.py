"""The form of `hactl status --json`, key by key; core.

Owns the keys and what they mean (DESIGN section 5): `hactl.status.snapshot` fills them in, and the API's description is
generated from them. Times are RFC 3339 in UTC. The law: a key is added freely, and never removed or given another meaning.
"""

from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from failover.moves import State
from failover.peer.actions import PeerState
from failover.priority import Word
from failover.spec import Standby, TrackKind
from hactl.ipvs.spec import Forward, Protocol
from hactl.ipvs.sync import Role, SyncState
from hactl.routers.fencing import FenceView
from hactl.routers.pace import LatenessView
from hactl.services.state import Availability
from hactl.wishes.overrides import Admin
from hactl.witness.view import WitnessesView
from health.result import Health
from notify.event import EventKind, Severity
from notify.problem import Topic

Time = Annotated[str, Meta(description="RFC 3339 in UTC.")]
Count = Annotated[int, Meta(ge=0)]


class ConfigView(TypedDict):
    """The configuration in force. `sha256` is the same on directors with the same file."""

    sha256: str
    loaded: Time


class TrackedView(TypedDict):
    """Something that a router tracks; `adds` is what it adds to the priority now."""

    kind: TrackKind
    state: Word
    reason: str
    weight: int
    adds: int


class RouterView(TypedDict):
    """A router here. What only its worker knows is missing until that has spoken."""

    vrid: int
    interface: str
    state: State
    reason: str
    since: Time
    priority: int
    base_priority: int
    addresses: list[str]
    virtual_macs: dict[str, str]
    """MACs by the macvlan that has them; empty without `virtual_mac`."""
    master: str
    transitions: NotRequired[Count]
    drops: NotRequired[dict[str, int]]
    checksums: NotRequired[dict[str, str]]
    lease: NotRequired[Count]
    holding: NotRequired[list[str]]
    hold_until: NotRequired[Time | None]
    hold_for: NotRequired[str]
    fence: NotRequired[FenceView]
    track: NotRequired[dict[str, TrackedView]]
    lateness_ms: NotRequired[float]
    renewal_ms: NotRequired[float]


class SumsView(TypedDict):
    """What the kernel counted since the entry was made."""

    connections: Count
    packets_in: Count
    packets_out: Count
    bytes_in: Count
    bytes_out: Count


class ConnectionsView(TypedDict):
    """Connections now."""

    active: Count
    inactive: Count


class MeasureView(TypedDict):
    """What a Nagios plugin measured."""

    value: float
    unit: str


class CheckView(TypedDict):
    """A check of a server; before its first result all but the state is empty. `shared_with`: SERVER@SERVICE."""

    state: Health
    reason: str
    latency_ms: float | None
    at: Time | None
    held: NotRequired[bool]
    damped: NotRequired[bool]
    detail: NotRequired[str]
    measures: NotRequired[dict[str, MeasureView]]
    shared_with: NotRequired[list[str]]


class ServerView(TypedDict):
    """A real server of a service. `health` is what checks say, `admin` what operators want, `active` whether the
    kernel has it."""

    address: str
    port: int
    weight: int
    configured_weight: int
    health: Health
    admin: Admin
    agent: str | None
    active: bool
    rising: float | None
    reason: str
    since: Time
    checks: dict[str, CheckView]
    connections: ConnectionsView
    counters: SumsView | None


class SorryView(TypedDict):
    """The sorry server, and whether it serves now."""

    address: str
    port: int
    serving: bool


class ServiceView(TypedDict):
    """A virtual service. One by firewall mark has `fwmark` and `family`."""

    address: str | None
    port: int | None
    protocol: Protocol | None
    scheduler: str
    forward: Forward
    in_table: bool
    fwmark: NotRequired[int]
    family: NotRequired[str]
    state: NotRequired[Availability]
    reason: NotRequired[str]
    since: NotRequired[Time]
    panic_until: NotRequired[Time | None]
    servers: NotRequired[dict[str, ServerView]]
    counters: NotRequired[SumsView]
    sorry: NotRequired[SorryView]


class SyncStatus(TypedDict):
    """Connection synchronisation."""

    interface: str
    id: int
    router: str | None
    roles: list[Role]
    state: SyncState
    reason: str
    since: Time


class LinkView(TypedDict):
    """A link to a peer: both addresses."""

    own: str
    peer: str
    state: PeerState
    reason: str


class StandbyView(TypedDict):
    """How a director stands aside, and on whose word."""

    mode: Standby
    since: Time
    by: str


class PeerView(TypedDict):
    """Another director. `config_matches` null: not known."""

    address: str
    state: PeerState
    reason: str
    since: Time | None
    config_matches: bool | None
    standby: StandbyView | None
    links: NotRequired[list[LinkView]]
    drops: NotRequired[dict[str, int]]


class OverrideView(TypedDict):
    """An override in force. `until` null: until `enable`."""

    server: str
    service: str | None
    admin: Admin | None
    weight: int | None
    until: Time | None
    remove: bool
    remove_by: Time | None
    reason: str
    by: str
    at: Time


class KnownView(TypedDict):
    """Who has said of a problem that it is known; `target` is what was named."""

    by: str
    at: Time
    reason: str
    target: str


class ProblemView(TypedDict):
    """Something that is wrong; `event` is the kind of the last event about it."""

    topic: Topic
    subject: str
    event: EventKind
    severity: Severity
    since: Time
    reason: str
    acknowledged: KnownView | None


class ProblemCounts(TypedDict):
    """How many problems there are, and how many of them somebody knows."""

    open: Count
    acknowledged: Count


class WorkerView(TypedDict):
    """A worker process: `up`, `silent` or `down`."""

    pid: Count
    state: str
    restarts: Count


class ChannelView(TypedDict):
    """A channel of notification; `error` is its last, empty where there is none; `held` alerts wait for their time."""

    delivered: Count
    failed: Count
    waiting: Count
    held: Count
    error: str


class Status(TypedDict):
    """Everything that this director knows now."""

    cluster: str
    node: str
    version: str
    since: Time
    config: ConfigView
    routers: dict[str, RouterView]
    services: dict[str, ServiceView]
    sync: SyncStatus | None
    witness: WitnessesView | None
    peers: dict[str, PeerView]
    standby: StandbyView | None
    overrides: list[OverrideView]
    workers: dict[str, WorkerView]
    channels: dict[str, ChannelView]
    problems: dict[str, ProblemView]
    problem_counts: ProblemCounts
    splits: list[str]
    lateness: LatenessView | None
    warnings: list[str]
