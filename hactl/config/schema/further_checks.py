"""Check types of further protocols."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hactl.config.schema.base import refuse
from hactl.config.schema.checks import Check, Count, Status, TlsHere
from hactl.config.schema.scalars import AbsolutePath, Command, HostName, Name, OneLine, Regex
from health.wire.dns_message import MessageError, encoded_name
from health.wire.ldap_filter import FilterError, encoded_filter

_STARTTLS = "Switch to TLS after the greeting: true, or a mapping as in tls. Default: no."
_USER = "User to log in as. Default: no login."
_PASSWORD = "File with the password."


def _query(value: str) -> str:
    try:
        encoded_name(value)
    except MessageError:
        raise refuse("is no name that DNS can ask for: {value}") from None
    return value


def _filter(value: str) -> str:
    try:
        encoded_filter(value)
    except FilterError as error:
        raise refuse(
            f"{str(error).replace('{', '(').replace('}', ')')}, so it is no filter: {{value}}"
        ) from None
    return value


class SmtpCheck(Check):
    """Greeting, EHLO, QUIT."""

    type: Literal["smtp"] = Field(description="A mail server's greeting.")
    helo: HostName | None = Field(None, description="The name given in EHLO. Default: this host's.")
    tls: TlsHere = Field(None, description="TLS from the start.")
    starttls: TlsHere = Field(None, description=_STARTTLS)


class SubmissionCheck(SmtpCheck):
    """The same, and a login where a user is given."""

    type: Literal["submission"] = Field(description="A mail server that users submit to.")  # type: ignore[assignment]
    user: OneLine | None = Field(None, description=_USER)
    password_file: AbsolutePath | None = Field(None, description=_PASSWORD)


class SipCheck(Check):
    """An OPTIONS request."""

    type: Literal["sip"] = Field(description="A SIP OPTIONS request.")
    user: OneLine | None = Field(None, description="User part of the address asked. Default: none.")
    status: Status = Field(["200-299"], description="Answers that pass: 200, 200-404, or a list of these.")
    protocol: Literal["udp", "tcp"] = Field("udp", description="Transport.")
    tls: TlsHere = Field(None, description="TLS, over tcp.")


class RadiusCheck(Check):
    """Status-Server, or a login where a user is given."""

    type: Literal["radius"] = Field(description="A RADIUS Status-Server request, or a login.")
    secret_file: AbsolutePath = Field(description="File with the secret shared with the server.")
    user: OneLine | None = Field(None, description=_USER)
    password_file: AbsolutePath | None = Field(None, description=_PASSWORD)


class DnsCheck(Check):
    """One query."""

    type: Literal["dns"] = Field(description="A DNS query.")
    query: Annotated[OneLine, AfterValidator(_query)] = Field(
        ".", description="The name asked for; with record: PTR also an address."
    )
    record: Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = Field(
        "SOA", description="The type of record asked for."
    )
    expect: list[str] = Field([], description="Answers of which one must come back. Default: any.")
    protocol: Literal["udp", "tcp"] = Field("udp", description="Transport.")


class PingCheck(Check):
    """An ICMP echo."""

    type: Literal["ping"] = Field(description="An ICMP echo request.")


class UdpCheck(Check):
    """A datagram and its answer."""

    type: Literal["udp"] = Field(description="A UDP datagram.")
    send: str = Field("", description="Text sent.")
    expect: str | None = Field(None, description="Text that must come back. Default: no refusal is enough.")
    expect_regex: Regex | None = Field(
        None, description="Regular expression that must match what comes back."
    )


class FtpCheck(Check):
    """Greeting, and login where a user is given."""

    type: Literal["ftp"] = Field(description="An FTP server's greeting.")
    user: OneLine | None = Field(None, description=_USER)
    password_file: AbsolutePath | None = Field(None, description=_PASSWORD)
    tls: TlsHere = Field(None, description="TLS from the start.")
    starttls: TlsHere = Field(None, description=_STARTTLS)


class ImapCheck(FtpCheck):
    """Greeting, and login where a user is given."""

    type: Literal["imap"] = Field(description="An IMAP server's greeting.")  # type: ignore[assignment]


class Pop3Check(FtpCheck):
    """Greeting, and login where a user is given."""

    type: Literal["pop3"] = Field(description="A POP3 server's greeting.")  # type: ignore[assignment]


class NntpCheck(Check):
    """Greeting, QUIT."""

    type: Literal["nntp"] = Field(description="A news server's greeting.")
    tls: TlsHere = Field(None, description="TLS from the start.")


class LdapCheck(Check):
    """Bind, and a search where a base is given."""

    type: Literal["ldap"] = Field(description="An LDAP bind and search.")
    bind_dn: OneLine | None = Field(None, description="Who binds. Default: anonymous.")
    password_file: AbsolutePath | None = Field(None, description=_PASSWORD)
    base: OneLine | None = Field(None, description="Base of a search. Default: no search.")
    scope: Literal["base", "one", "sub"] = Field(
        "base", description="What is searched: the base itself, one level below, or all below."
    )
    filter: Annotated[OneLine, AfterValidator(_filter)] = Field(
        "(objectClass=*)", description="Filter of the search."
    )
    tls: TlsHere = Field(None, description="TLS from the start.")
    starttls: TlsHere = Field(None, description=_STARTTLS)


class MysqlCheck(Check):
    """The handshake, and a query where a user is given."""

    type: Literal["mysql"] = Field(description="A MySQL or MariaDB handshake.")
    user: OneLine | None = Field(None, description=_USER)
    password_file: AbsolutePath | None = Field(None, description=_PASSWORD)
    database: OneLine | None = Field(None, description="Database to use.")
    query: str | None = Field(None, description="Query that must succeed.")
    tls: TlsHere = Field(None, description="Ask for TLS.")


class PostgresqlCheck(Check):
    """The start of a session, and a query where a user is given."""

    type: Literal["postgresql"] = Field(description="The start of a PostgreSQL session.")
    user: OneLine | None = Field(None, description=_USER)
    password_file: AbsolutePath | None = Field(None, description=_PASSWORD)
    database: OneLine | None = Field(None, description="Database to use.")
    query: str | None = Field(None, description="Query that must succeed.")
    tls: TlsHere = Field(None, description="Ask for TLS.")


class RedisCheck(Check):
    """PING, or the role."""

    type: Literal["redis"] = Field(description="A Redis PING.")
    user: OneLine | None = Field(None, description=_USER)
    password_file: AbsolutePath | None = Field(None, description=_PASSWORD)
    role: Literal["any", "master", "replica"] = Field("any", description="The role it must have.")
    tls: TlsHere = Field(None, description="TLS from the start.")


class NtpCheck(Check):
    """One client request."""

    type: Literal["ntp"] = Field(description="An NTP request.")
    max_stratum: Annotated[int, Field(ge=1, le=15)] = Field(15, description="Highest stratum that passes.")


class GrpcCheck(Check):
    """The standard gRPC health service."""

    type: Literal["grpc"] = Field(description="The gRPC health service.")
    service: OneLine = Field("", description="The service asked about. Default: the server as a whole.")
    tls: TlsHere = Field(None, description="TLS from the start.")


class ScriptCheck(Check):
    """A program of the operator's."""

    type: Literal["script"] = Field(description="A program of the operator's.")
    command: Command = Field(
        description="The program's absolute path and its arguments, in which {address} and {port} stand for the server's;"
        " no shell runs it."
    )
    convention: Literal["exit", "nagios", "mon"] = Field(
        "exit",
        description="How its end is understood: exit (0 is well), nagios (0 and 1 are well), or mon (called with several"
        " servers, and its first line names those that failed).",
    )
    user: Name = Field("nobody", description="The user it runs as.")


class AgentCheck(Check):
    """HAProxy's agent check: the server says its weight and state itself."""

    type: Literal["agent"] = Field(description="HAProxy's agent check.")
    send: str | None = Field(None, description="Text sent first.")
    rise: Count = Field(1, description="How often in a row it must say up until the server is up.")
    fall: Count = Field(1, description="How often in a row it must say down until the server is down.")
