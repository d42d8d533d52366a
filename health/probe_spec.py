"""What the configuration asks of one probe: a frozen spec for each kind. Durations are seconds as float."""

from enum import StrEnum

import msgspec


class TlsSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How TLS is spoken; the certificate is verified unless `verify` is False. `name` is SNI and is verified; `alpn` is the
    protocol asked for inside. A certificate that ends within `valid_for` seconds fails."""

    verify: bool = True
    name: str | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    alpn: str | None = None
    valid_for: float = 0.0


class BodyMatch(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer's body must satisfy: all that is given. `sha256` is a hex digest of the whole body."""

    contains: str | None = None
    regex: str | None = None
    sha256: str | None = None


class TcpProbe(msgspec.Struct, frozen=True, kw_only=True, tag="tcp"):
    """Connect; if given send `send`, then read until `expect` (text) or `expect_regex` is found."""

    send: str | None = None
    expect: str | None = None
    expect_regex: str | None = None
    tls: TlsSpec | None = None


class HttpProbe(msgspec.Struct, frozen=True, kw_only=True, tag="http"):
    """One HTTP/1.1 request. `status` holds inclusive ranges; `host` None means the target's address."""

    method: str = "GET"
    path: str = "/"
    host: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    status: tuple[tuple[int, int], ...] = ((200, 399),)
    body: BodyMatch | None = None
    send_body: str | None = None
    redirects: int = 0
    tls: TlsSpec | None = None


class SshProbe(msgspec.Struct, frozen=True, kw_only=True, tag="ssh"):
    """Exchange of identification strings (RFC 4253 section 4.2), nothing more."""


class SmtpProbe(msgspec.Struct, frozen=True, kw_only=True, tag="smtp"):
    """Greeting, EHLO, login where a user is given, QUIT (RFC 5321, RFC 4954). `helo` None means this host's name. `tls` is
    from the start, `starttls` later."""

    helo: str | None = None
    user: str | None = None
    password_file: str | None = None
    tls: TlsSpec | None = None
    starttls: TlsSpec | None = None


class DnsProbe(msgspec.Struct, frozen=True, kw_only=True, tag="dns"):
    """One query (RFC 1035). `expect` holds answers in text, of which one must come back; empty: whatever it is."""

    query: str = "."
    record: str = "SOA"
    expect: tuple[str, ...] = ()
    tcp: bool = False


class UdpProbe(msgspec.Struct, frozen=True, kw_only=True, tag="udp"):
    """A datagram, and what must come back; where nothing is expected, no refusal within the timeout is enough."""

    send: str = ""
    expect: str | None = None
    expect_regex: str | None = None


class LoginProbe(msgspec.Struct, frozen=True, kw_only=True):
    """What probes with an optional login share. `tls` is from the start, `starttls` after the greeting."""

    user: str | None = None
    password_file: str | None = None
    tls: TlsSpec | None = None
    starttls: TlsSpec | None = None


class FtpProbe(LoginProbe, frozen=True, kw_only=True, tag="ftp"):
    """Greeting, login where a user is given, QUIT (RFC 959, RFC 4217)."""


class ImapProbe(LoginProbe, frozen=True, kw_only=True, tag="imap"):
    """Greeting, login where a user is given, LOGOUT (RFC 9051)."""


class Pop3Probe(LoginProbe, frozen=True, kw_only=True, tag="pop3"):
    """Greeting, login where a user is given, QUIT (RFC 1939, RFC 2595)."""


class NntpProbe(msgspec.Struct, frozen=True, kw_only=True, tag="nntp"):
    """Greeting, QUIT (RFC 3977)."""

    tls: TlsSpec | None = None


class RedisProbe(msgspec.Struct, frozen=True, kw_only=True, tag="redis"):
    """AUTH where a password is given, then PING, or ROLE where it must be `master` or `replica`."""

    user: str | None = None
    password_file: str | None = None
    role: str | None = None
    tls: TlsSpec | None = None


class NtpProbe(msgspec.Struct, frozen=True, kw_only=True, tag="ntp"):
    """One client request (RFC 5905); a server that is not synchronised, or beyond this stratum, fails."""

    max_stratum: int = 15


class PingProbe(msgspec.Struct, frozen=True, kw_only=True, tag="ping"):
    """One ICMP echo request and its reply (RFC 792, RFC 4443)."""


class Convention(StrEnum):
    """How the end of a program is understood.

    EXIT: 0 passes. NAGIOS: 0 and 1 pass, and it may say what it measured. MON: it is called with several hosts, and its
    first line names those that failed. SSH: OpenSSH's client, whose status is the command's, or 255.
    """

    EXIT = "exit"
    NAGIOS = "nagios"
    MON = "mon"
    SSH = "ssh"


class ScriptProbe(msgspec.Struct, frozen=True, kw_only=True, tag="script"):
    """A program of the operator's, run as `user` without a shell."""

    command: tuple[str, ...]
    user: str = "nobody"
    convention: Convention = Convention.EXIT


class AgentProbe(msgspec.Struct, frozen=True, kw_only=True, tag="agent"):
    """One answer of an agent of the server's own (HAProxy's agent-check); `send` is said first."""

    send: str | None = None


class FileProbe(msgspec.Struct, frozen=True, kw_only=True, tag="file"):
    """A file of this director that holds one whole number."""

    path: str


class ProcessProbe(msgspec.Struct, frozen=True, kw_only=True, tag="process"):
    """A program, by name or absolute path, of which so many must run on this director."""

    command: str
    at_least: int = 1


class LdapProbe(msgspec.Struct, frozen=True, kw_only=True, tag="ldap"):
    """A simple bind, anonymous without `bind_dn`; with `base` a search that must find an entry. `scope`: base, one, sub."""

    bind_dn: str | None = None
    password_file: str | None = None
    base: str | None = None
    scope: str = "base"
    filter: str = "(objectClass=*)"
    tls: TlsSpec | None = None
    starttls: TlsSpec | None = None


class SqlProbe(msgspec.Struct, frozen=True, kw_only=True):
    """What probes of databases share: a login where a user is given, then the query; TLS is asked for in the protocol."""

    user: str | None = None
    password_file: str | None = None
    database: str | None = None
    query: str | None = None
    tls: TlsSpec | None = None


class MysqlProbe(SqlProbe, frozen=True, kw_only=True, tag="mysql"):
    """The greeting, and without a user a login of nobody, which may be refused."""


class PostgresqlProbe(SqlProbe, frozen=True, kw_only=True, tag="postgresql"):
    """The start of a session; without a user it passes as soon as the server asks who we are."""


class GrpcProbe(msgspec.Struct, frozen=True, kw_only=True, tag="grpc"):
    """One call of grpc.health.v1.Health/Check; an empty `service` asks about the server as a whole."""

    service: str = ""
    tls: TlsSpec | None = None


class SipProbe(msgspec.Struct, frozen=True, kw_only=True, tag="sip"):
    """An OPTIONS request (RFC 3261). `status` holds inclusive ranges; `tls` is of protocol tcp."""

    user: str | None = None
    status: tuple[tuple[int, int], ...] = ((200, 299),)
    protocol: str = "udp"
    tls: TlsSpec | None = None


class RadiusProbe(msgspec.Struct, frozen=True, kw_only=True, tag="radius"):
    """Status-Server (RFC 5997), or with a user an Access-Request that must be accepted (RFC 2865)."""

    secret_file: str
    user: str | None = None
    password_file: str | None = None


Probe = (
    TcpProbe
    | HttpProbe
    | SshProbe
    | SmtpProbe
    | DnsProbe
    | UdpProbe
    | FtpProbe
    | ImapProbe
    | Pop3Probe
    | NntpProbe
    | RedisProbe
    | NtpProbe
    | PingProbe
    | ScriptProbe
    | AgentProbe
    | FileProbe
    | ProcessProbe
    | LdapProbe
    | MysqlProbe
    | PostgresqlProbe
    | GrpcProbe
    | SipProbe
    | RadiusProbe
)
