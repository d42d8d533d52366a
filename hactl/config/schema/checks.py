"""What every check has, and the checks tcp, http, https and ssh."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from hactl.config.schema.base import Also, Section, refuse
from hactl.config.schema.patience import Damping, DependsOn, name_or_mapping
from hactl.config.schema.scalars import (
    AbsolutePath,
    AddressHere,
    Duration,
    HeaderName,
    HostName,
    InterfaceHere,
    Name,
    OneLine,
    Port,
    Regex,
)

Count = Annotated[int, Field(ge=1, le=1000)]
_RANGE_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string"}]}


def _status(value: Any) -> str:
    """One status or range of them, as its text: 204, 200-399."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    low, dash, high = text.partition("-")
    if not (low.isdecimal() and len(low) == 3 and (not dash or (high.isdecimal() and len(high) == 3))):
        raise refuse("must be a status such as 204 or a range such as 200-399, not {value}")
    if not 100 <= int(low) <= int(high or low) <= 599:
        raise refuse("a status is from 100 to 599, and a range goes upwards; not {value}")
    return text


def _list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _request_path(value: str) -> str:
    if not value.startswith("/") or any(character <= " " or character == "\x7f" for character in value):
        raise refuse("must begin with / and have no blanks, not {value}")
    return value


def _tls_word(value: Any) -> Any:
    """`tls: true` is TLS with every default."""
    if not isinstance(value, (bool, dict)):
        raise refuse("must be true, false or a mapping, not {value}")
    return {} if value is True else None if value is False else value


def status_range(text: str) -> tuple[int, int]:
    """Lowest and highest status of 204 or 200-399."""
    low, _, high = text.partition("-")
    return int(low), int(high or low)


Status = Annotated[
    list[Annotated[str, BeforeValidator(_status), WithJsonSchema(_RANGE_SCHEMA)]],
    BeforeValidator(_list),
    Field(min_length=1, max_length=100),
    WithJsonSchema(
        {"anyOf": [*_RANGE_SCHEMA["anyOf"], {"type": "array", "items": _RANGE_SCHEMA, "minItems": 1}]}
    ),
]


class Tls(Section):
    """How TLS is spoken."""

    verify: bool = Field(
        True, description="The server's certificate must be valid, and made for the name; false takes any."
    )
    name: HostName | None = Field(
        None,
        description="Name that is asked for (SNI) and must stand in the certificate. Default: host, else the address.",
    )
    ca_file: AbsolutePath | None = Field(
        None, description="CA certificates trusted in place of the system's."
    )
    certificate_file: AbsolutePath | None = Field(
        None, description="PEM file with the client certificate that is shown to the server."
    )
    key_file: AbsolutePath | None = Field(None, description="PEM file with the key of that certificate.")
    valid_for: Duration = Field(
        0.0, description="The check fails when the server's certificate ends sooner than this from now: 14d."
    )


TlsHere = Annotated[
    Tls | None,
    BeforeValidator(_tls_word),
    Also({"type": "boolean"}),
]


class Check(Section):
    """What every check has: where it goes, how often, and when the verdict changes."""

    port: Port | None = Field(None, description="Port that is probed. Default: the server's.")
    source: AddressHere | None = Field(
        None, description="Address of this director that probes come from, per director if need be."
    )
    interface: InterfaceHere | None = Field(
        None, description="Interface that probes go through, per director if need be."
    )
    mark: Annotated[int, Field(ge=1, le=0xFFFFFFFF)] | None = Field(
        None, description="Firewall mark of the probes' packets, for rules of routing and filtering."
    )
    interval: Duration = Field(2.0, description="Time from the start of one probe to that of the next.")
    fast_interval: Duration | None = Field(
        None,
        description="Time between probes while the verdict is changing. Default: 500ms, at most interval.",
    )
    timeout: Duration | None = Field(
        None, description="A probe that takes longer has failed. Default: 1s, at most interval."
    )
    rise: Count = Field(
        2, description="So many probes in a row must pass until a server that is down is up again."
    )
    fall: Count = Field(3, description="So many probes in a row must fail until a server that is up is down.")
    down_interval: Duration | None = Field(
        None,
        description=(
            "While a server stays down, the time between probes doubles at each ten failures, up to this. "
            "Default: interval, so that it stays the same."
        ),
    )
    damping: Damping | None = Field(
        None, description="What falls too often stays down for a while: {falls, within, hold}. Default: none."
    )
    depends_on: Annotated[DependsOn | None, BeforeValidator(name_or_mapping), Also({"type": "string"})] = (
        Field(None, description="Another check, without which this one says nothing. Default: none.")
    )

    @property
    def fast(self) -> float:
        """`fast_interval` with its default, seconds."""
        return min(0.5, self.interval) if self.fast_interval is None else self.fast_interval

    @property
    def patience(self) -> float:
        """`timeout` with its default, seconds."""
        return min(1.0, self.interval) if self.timeout is None else self.timeout


class TcpCheck(Check):
    """Connect; with send or expect exchange text as well."""

    type: Literal["tcp"] = Field(description="Connect to the port.")
    send: str | None = Field(None, description="Text sent after connecting.")
    expect: str | None = Field(None, description="Text that must come back.")
    expect_regex: Regex | None = Field(
        None, description="Regular expression that must match what comes back."
    )
    tls: TlsHere = Field(None, description="Speak TLS: true, or a mapping. Default: no.")


class Body(Section):
    """What an answer's body must satisfy; all that are given."""

    contains: str | None = Field(None, description="Text that it must contain.")
    regex: Regex | None = Field(None, description="Regular expression that must match somewhere in it.")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = Field(
        None, description="SHA-256 of the whole body, hexadecimal."
    )


class HttpRequest(Check):
    """One HTTP request and what its answer must be."""

    method: Annotated[str, Field(pattern=r"^[A-Z]{1,20}$")] = Field("GET", description="Request method.")
    path: Annotated[str, AfterValidator(_request_path)] = Field("/", description="Path and query asked for.")
    host: HostName | None = Field(None, description="The Host header. Default: the server's address.")
    headers: dict[HeaderName, OneLine] = Field({}, description="Further request headers.", repr=False)
    status: Status = Field(["200-399"], description="Statuses that pass: 200, 200-399, or a list of these.")
    body: Body | None = Field(None, description="What the body must satisfy: contains, regex, sha256.")
    send_body: str | None = Field(None, description="Body of the request.")
    redirects: Annotated[int, Field(ge=0, le=20)] = Field(0, description="How many redirects are followed.")


class HttpCheck(HttpRequest):
    """An HTTP request in the clear."""

    type: Literal["http"] = Field(description="An HTTP request.")


class HttpsCheck(HttpRequest):
    """An HTTP request over TLS."""

    type: Literal["https"] = Field(description="An HTTP request over TLS.")
    tls: Tls = Field(Tls(), description="How TLS is spoken.")


class SshCheck(Check):
    """The exchange of SSH identification strings, or a login by key."""

    type: Literal["ssh"] = Field(description="SSH's exchange of identification strings, or a login.")
    user: OneLine | None = Field(None, description="User to log in as, by key. Default: no login.")
    key_file: AbsolutePath | None = Field(None, description="File with that user's private key.")
    command: OneLine | None = Field(None, description="Command that must end with status 0. Default: true.")
    known_hosts_file: AbsolutePath | None = Field(
        None, description="File with the servers' host keys. Default: they are not verified."
    )
    run_as: Name = Field("nobody", description="The user of this director whose the key is, who runs ssh.")
