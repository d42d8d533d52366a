"""What the configuration asks of health checking.

Owns the frozen specs that a health worker is given: one `CheckSpec` for each distinct probe of a distinct target.
Equal probes of several services have one spec and so run once. Durations are seconds as float.
"""

import hashlib

import msgspec

from health.probe_spec import (
    AgentProbe,
    BodyMatch,
    Convention,
    DnsProbe,
    FileProbe,
    FtpProbe,
    GrpcProbe,
    HttpProbe,
    ImapProbe,
    LdapProbe,
    LoginProbe,
    MysqlProbe,
    NntpProbe,
    NtpProbe,
    PingProbe,
    Pop3Probe,
    PostgresqlProbe,
    Probe,
    ProcessProbe,
    RadiusProbe,
    RedisProbe,
    ScriptProbe,
    SipProbe,
    SmtpProbe,
    SqlProbe,
    SshProbe,
    TcpProbe,
    TlsSpec,
    UdpProbe,
)

__all__ = [
    "AgentProbe", "BodyMatch", "CheckSpec", "Convention", "Damping", "DnsProbe", "FileProbe", "FtpProbe", "GrpcProbe",
    "HealthSpec", "HttpProbe", "ImapProbe", "LdapProbe", "LoginProbe", "MysqlProbe", "Need", "NntpProbe",
    "NtpProbe", "Origin", "PingProbe", "Pop3Probe", "PostgresqlProbe", "Probe", "ProcessProbe", "RadiusProbe", "RedisProbe",
    "ScriptProbe", "SipProbe", "SmtpProbe", "SqlProbe", "SshProbe", "TcpProbe", "TlsSpec", "UdpProbe",
]  # fmt: skip


class Damping(msgspec.Struct, frozen=True, kw_only=True):
    """A target that fell `falls` times within `within` seconds is up again only after passing for `hold` seconds."""

    falls: int
    within: float
    hold: float


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a check depends on: another by its `CheckSpec.id`. `skip`: it is not run while that one is down.

    `root` is the last in the chain of dependencies: checks with the same root are run by the same worker.
    """

    check: str
    root: str
    skip: bool = True


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where probes come from: an address of this director, an interface, and their packets' firewall mark (0: none)."""

    source: str | None = None
    interface: str | None = None
    mark: int = 0


class CheckSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One probe of one target, and when the verdict changes. `rise` and `fall` count results in a row.

    `address` is empty where the target is this director itself.
    `down_interval`: while it is down for long, the interval doubles up to this (0: it does not).
    """

    address: str
    port: int
    probe: Probe
    interval: float = 2.0
    fast_interval: float = 0.5
    timeout: float = 1.0
    rise: int = 2
    fall: int = 3
    down_interval: float = 0.0
    damping: Damping | None = None
    need: Need | None = None
    origin: Origin | None = None

    @property
    def id(self) -> str:
        """A stable name made from the whole content: equal checks share it, a changed check gets another."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]

    @property
    def together(self) -> str:
        """What checks have in common that one call of a program does for all of them; empty for every other. Hexadecimal."""
        if not isinstance(self.probe, ScriptProbe) or self.probe.convention is not Convention.MON:
            return ""
        return hashlib.sha256(msgspec.json.encode((self.probe, self.port, self.timeout))).hexdigest()[:16]


class HealthSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All that one health worker does."""

    checks: tuple[CheckSpec, ...] = ()
