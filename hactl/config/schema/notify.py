"""`notify`: who is told what, one model for each type of channel."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from hactl.config.schema.base import Also, Section, one_or_list, refuse, type_tag
from hactl.config.schema.scalars import AbsolutePath, Command, Duration, Name, OneLine

_MAIL = re.compile(r"[^@\s<>,;:]+@[A-Za-z0-9._-]+")
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
    headers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")], OneLine] = Field(
        {}, description="Further request headers.", repr=False
    )
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
