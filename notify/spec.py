"""What the configuration asks of notification: channels, and which events go to each.

Specs never hold a secret: they name the file; whoever starts a channel hands the content in apart.
Durations are seconds as float.
"""

import msgspec

from notify.event import Severity
from notify.formats import Format
from notify.quiet import Window


class EmailSpec(msgspec.Struct, frozen=True, kw_only=True, tag="email"):
    """Mail by SMTP. `server` is smtp://host[:port] or smtps://host[:port].

    `starttls`: True requires it, False never asks for it, None uses it when offered; with a `user` None
    requires it, for a password is not sent in clear unasked. `verify` applies wherever TLS is required:
    merely offered TLS can be stripped on the way, so refusing its certificate would lose mail and protect
    nothing (RFC 7435).
    """

    to: tuple[str, ...]
    sender: str
    server: str
    user: str | None = None
    password_file: str | None = None
    starttls: bool | None = None
    verify: bool = True


class WebhookSpec(msgspec.Struct, frozen=True, kw_only=True, tag="webhook"):
    """One POST per delivery, in the form its receiver takes. `secret_file` signs it with HMAC-SHA256, or is the
    receiver's key where the form has one."""

    url: str
    form: Format = Format.CLOUDEVENTS
    secret_file: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    verify: bool = True


class ExecSpec(msgspec.Struct, frozen=True, kw_only=True, tag="exec"):
    """A program of the operator's, run without a shell as `user`, once for each event: environment and
    JSON on stdin."""

    command: tuple[str, ...]
    user: str = "nobody"


class SyslogSpec(msgspec.Struct, frozen=True, kw_only=True, tag="syslog"):
    """The local system log, by its socket."""

    facility: str = "daemon"


class PluginSpec(msgspec.Struct, frozen=True, kw_only=True, tag="plugin"):
    """A channel of another package: `options` is a JSON object, which it is given; `batch` is most events a delivery."""

    plugin: str
    options: str = "{}"
    secret_file: str | None = None
    batch: int = 1


Delivery = EmailSpec | WebhookSpec | ExecSpec | SyslogSpec | PluginSpec


class After(msgspec.Struct, frozen=True, kw_only=True):
    """A problem is told once it has lasted for `lasting`, or has begun `failures` times `within` (0: however often)."""

    lasting: float
    failures: int = 0
    within: float = 0.0


class ChannelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One channel: what it delivers by, and its filter.

    `events` are patterns such as "router.*"; empty means all. `digest` is how long further events are
    gathered into one delivery after the first; `timeout` bounds one delivery; `give_up` is the age at which
    an event that cannot be delivered counts as lost.

    Of problems: `after` is how long they must last; of each at most one alert is told `every` so many seconds; it is told
    again each `repeat` until acknowledged; `recovery` False never tells the end, True tells that of all that was told,
    None those that the filter lets through. 0 is off. `quiet` are the times when only the severe is told.
    """

    name: str
    delivery: Delivery
    events: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    digest: float = 2.0
    timeout: float = 30.0
    give_up: float = 86400.0
    after: After | None = None
    every: float = 0.0
    repeat: float = 0.0
    recovery: bool | None = None
    quiet: tuple[Window, ...] = ()

    @property
    def minds(self) -> bool:
        """Whether what is told depends on what was told before."""
        return bool(self.after or self.every or self.repeat or self.recovery is not None)


class NotifySpec(msgspec.Struct, frozen=True, kw_only=True):
    """All that the notify worker does. `history` is how long events are kept."""

    channels: tuple[ChannelSpec, ...] = ()
    history: float = 90 * 86400.0

    @property
    def programs(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Every program that a channel runs, as command and user."""
        deliveries = (channel.delivery for channel in self.channels)
        return tuple((one.command, one.user) for one in deliveries if isinstance(one, ExecSpec))
