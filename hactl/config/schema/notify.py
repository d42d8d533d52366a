"""`notify`: who is told what, one model for each type of channel."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
)

from hactl.config.schema.base import Also, Section, one_or_list, refuse, type_tag
from hactl.config.schema.scalars import (
    AbsolutePath,
    Command,
    Duration,
    DurationOrOff,
    HeaderName,
    Name,
    OneLine,
)

_MAIL = re.compile(r"[^@\s<>,;:]+@[A-Za-z0-9._-]+")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_PATTERN = re.compile(r"[a-z_*?.]{1,64}")


def _mail(value: str) -> str:
    if not _MAIL.fullmatch(value):
        raise refuse("must be a mail address, not {value}")
    return value


def _pattern(value: str) -> str:
    if not _PATTERN.fullmatch(value):
        raise refuse("must be a pattern of event kinds, such as router.*, not {value}")
    return value


def _url(value: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, valid = urlsplit(""), False
    if not valid:
        raise refuse(f"must be a URL that begins with {' or '.join(scheme + '://' for scheme in schemes)}")
    if parts.username is not None or parts.password is not None:
        raise refuse("must not hold a user or password; there are keys of their own for these")
    return value


def _web_url(value: str) -> str:
    return _url(value, ("https", "http"))


def _mail_server(value: str) -> str:
    return _url(value, ("smtp", "smtps"))


MailAddress = Annotated[str, AfterValidator(_mail)]


def _after(value: Any) -> Any:
    return value if isinstance(value, dict) else {"lasting": value}


def _minutes(value: Any) -> Any:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refuse("must be a time of day such as '22:00', not {value}")
    return int(found[1]) * 60 + int(found[2])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


TimeOfDay = Annotated[
    int,
    BeforeValidator(_minutes),
    PlainSerializer(_clock, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]


class After(Section):
    """When a problem is told: once it has lasted, or has begun so often."""

    lasting: Duration | None = Field(
        None, description="Told once it has lasted so long. Default: the same as within."
    )
    failures: Annotated[int, Field(ge=2, le=1000)] | None = Field(
        None, description="Or once it has begun so often."
    )
    within: Duration | None = Field(None, description="The time in which these beginnings are counted.")


class Quiet(Section):
    """A time in which only the severe is told."""

    start: TimeOfDay = Field(
        0, alias="from", description="When it begins, such as '22:00'. Default: midnight."
    )
    end: TimeOfDay = Field(
        0, alias="to", description="When it ends; not after `from`: on the next day. Default: midnight."
    )
    days: Annotated[
        list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]],
        Field(min_length=1),
        BeforeValidator(one_or_list),
        Also({"type": "string"}),
    ] = Field(
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], description="On which it begins. Default: all."
    )
    zone: OneLine = Field("UTC", description="The time zone that the times are in, such as Europe/Berlin.")
    passes: Literal["info", "warning", "critical", "none"] = Field(
        "critical", description="The lowest severity that is told all the same; none: nothing is."
    )


class Channel(Section):
    """What every channel has: its filter and its pace."""

    events: Annotated[
        list[Annotated[str, AfterValidator(_pattern)]], BeforeValidator(one_or_list), Also({"type": "string"})
    ] = Field([], description="Patterns of event kinds: ['router.*']. Default: all.")
    severity: Literal["info", "warning", "critical"] = Field(
        "warning", description="The lowest severity told."
    )
    digest: Duration = Field(2.0, description="Further events are gathered so long into one delivery.")
    give_up: Duration = Field(86400.0, description="A delivery that failed is tried again so long.")
    timeout: Duration = Field(30.0, description="A delivery that takes longer has failed.")
    after: Annotated[After, BeforeValidator(_after), Also({"type": "string"})] | None = Field(
        None,
        description="A problem is told only once it has lasted so long (5m), or has begun so often: "
        "{failures: 3, within: 10m}. One that is over before is not told, nor is its end. Default: at once.",
    )
    every: DurationOrOff = Field(
        0.0,
        description="At most one alert about one subject in this time; what comes meanwhile is told at its end, unless "
        "all is as it was told. A problem that becomes worse waits for nothing. Default: off.",
    )
    repeat: DurationOrOff = Field(
        0.0, description="A problem that lasts is told again so often, until `hactl ack`. Default: off."
    )
    recovery: bool | None = Field(
        None,
        description="true: the end of whatever was told is told, whatever its severity, and no other; false: ends are "
        "not told. Default: those that events and severity let through.",
    )
    quiet: list[Quiet] = Field(
        [], description="Times in which only the severe is told; the rest is one delivery at the end."
    )


class EmailChannel(Channel):
    """Mail by SMTP."""

    type: Literal["email"] = Field(description="Mail by SMTP.")
    to: Annotated[
        list[MailAddress],
        Field(min_length=1, max_length=100),
        BeforeValidator(one_or_list),
        Also({"type": "string"}),
    ] = Field(description="Who gets it.")
    sender: MailAddress | None = Field(None, alias="from", description="Who it is from. Default: hactl@NODE.")
    server: Annotated[str, AfterValidator(_mail_server)] = Field(
        "smtp://localhost:25", description="smtp://HOST:PORT (STARTTLS when offered) or smtps://HOST:PORT."
    )
    user: OneLine | None = Field(None, description="User to log in as. Default: no login.")
    password_file: AbsolutePath | None = Field(None, description="File with the password.")
    starttls: bool | None = Field(
        None, description="true requires STARTTLS, false avoids it. Default: when offered."
    )
    verify: bool = Field(True, description="The server's certificate must be valid.")


class WebhookChannel(Channel):
    """One POST for each delivery."""

    type: Literal["webhook"] = Field(description="An HTTP POST.")
    url: Annotated[str, AfterValidator(_web_url)] = Field(description="Where it goes.", repr=False)
    format: Literal["cloudevents", "slack", "discord", "teams", "google-chat", "ntfy", "pagerduty"] = Field(
        "cloudevents", description="The form of the body: CloudEvents, or that of a chat or paging system."
    )
    secret_file: AbsolutePath | None = Field(
        None, description="File with the secret that signs it (HMAC-SHA256); for pagerduty the routing key."
    )
    headers: dict[HeaderName, OneLine] = Field({}, description="Further request headers.", repr=False)
    verify: bool = Field(True, description="The server's certificate must be valid.")


class ExecChannel(Channel):
    """A program of the operator's, once for each event."""

    type: Literal["exec"] = Field(description="A program of the operator's.")
    command: Command = Field(description="The program's absolute path and its arguments; no shell runs it.")
    user: Name = Field("nobody", description="The user it runs as.")


class SyslogChannel(Channel):
    """The local system log."""

    type: Literal["syslog"] = Field(description="The local system log.")
    facility: Literal[
        "auth", "authpriv", "cron", "daemon", "kern", "lpr", "mail", "news", "syslog", "user", "uucp",
        "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ] = Field("daemon", description="The facility.")  # fmt: skip


class PluginChannel(Channel):
    """A channel that another installed package brings."""

    type: Literal["plugin"] = Field(description="A channel of another package (entry point hactl.notify).")
    plugin: Name = Field(description="The entry point's name.")
    options: dict[str, Any] = Field({}, description="What the plug-in is given.", repr=False)
    secret_file: AbsolutePath | None = Field(None, description="File with a secret for it.")
    batch: Annotated[int, Field(ge=1, le=20_000)] = Field(1, description="Most events in one delivery.")


AnyChannel = Annotated[
    Annotated[EmailChannel, Tag("<email>")]
    | Annotated[WebhookChannel, Tag("<webhook>")]
    | Annotated[ExecChannel, Tag("<exec>")]
    | Annotated[SyslogChannel, Tag("<syslog>")]
    | Annotated[PluginChannel, Tag("<plugin>")],
    Discriminator(type_tag),
]
