"""The whole configuration as one director sees it: frozen, resolved, without a secret."""

import msgspec

from failover.spec import FailoverSpec
from hactl.ipvs.spec import IpvsSpec, ServiceSpec, SyncSpec
from hactl.routers.acceptance import RefusedSpec
from hactl.routers.program_spec import FenceProgram
from hactl.routers.takeover_duty import TakeoverSpec
from hactl.witness.spec import WitnessesSpec
from health.spec import CheckSpec
from notify.spec import NotifySpec


class DirectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One director of the cluster, in the file's order of preference."""

    name: str
    addresses: tuple[str, ...]
    priority: int


class HealthSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the health workers run. `user` None: hactl where it exists, else nobody."""

    workers: int = 1
    user: str | None = None


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """Users and groups of the host, by name."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class RolesSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do how much on the control socket."""

    read: Members = Members()
    operate: Members = Members()
    admin: Members = Members()


class ControlSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The control socket, its group, and the HTTP page (None: off): the names it answers to, the file with its tokens.

    `roles` None: whoever the socket lets in may all.
    """

    socket: str = "/run/hactl/hactl.sock"
    group: str | None = None
    roles: RolesSpec | None = None
    http: str | None = None
    hosts: tuple[str, ...] = ()
    token_file: str | None = None


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `hactl run` needs to know. `sha256` covers the parsed file before `${}` and secrets."""

    cluster: str
    node: str
    directors: tuple[DirectorSpec, ...]
    failover: FailoverSpec
    checks: tuple[CheckSpec, ...] = ()
    services: tuple[ServiceSpec, ...] = ()
    ipvs: IpvsSpec = IpvsSpec()
    sync: SyncSpec | None = None
    witnesses: WitnessesSpec | None = None
    takeovers: tuple[TakeoverSpec, ...] = ()
    fences: tuple[FenceProgram, ...] = ()
    refused: tuple[RefusedSpec, ...] = ()
    notify: NotifySpec = NotifySpec()
    health: HealthSettings = HealthSettings()
    control: ControlSpec = ControlSpec()
    state_dir: str = "/var/lib/hactl"
    sha256: str = ""
