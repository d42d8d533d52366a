"""All check types as one union, and the forms that `check:` takes: a name, a check in place, a list, or none."""

from typing import Annotated, Any, Final, get_args

from pydantic import Discriminator, Field, Tag

from hactl.config.schema import further_checks as further
from hactl.config.schema.base import type_tag
from hactl.config.schema.checks import Check, HttpCheck, HttpsCheck, SshCheck, TcpCheck
from hactl.config.schema.scalars import Name


def _form(value: Any) -> str:
    """Tag of what stands under `check:`."""
    return "<list>" if isinstance(value, list) else _item_form(value)


def _item_form(value: Any) -> str:
    return "<inline>" if isinstance(value, (dict, Check)) else "<name>"


AnyCheck = Annotated[
    Annotated[TcpCheck, Tag("<tcp>")]
    | Annotated[HttpCheck, Tag("<http>")]
    | Annotated[HttpsCheck, Tag("<https>")]
    | Annotated[SshCheck, Tag("<ssh>")]
    | Annotated[further.SmtpCheck, Tag("<smtp>")]
    | Annotated[further.SubmissionCheck, Tag("<submission>")]
    | Annotated[further.SipCheck, Tag("<sip>")]
    | Annotated[further.RadiusCheck, Tag("<radius>")]
    | Annotated[further.DnsCheck, Tag("<dns>")]
    | Annotated[further.PingCheck, Tag("<ping>")]
    | Annotated[further.UdpCheck, Tag("<udp>")]
    | Annotated[further.FtpCheck, Tag("<ftp>")]
    | Annotated[further.ImapCheck, Tag("<imap>")]
    | Annotated[further.Pop3Check, Tag("<pop3>")]
    | Annotated[further.NntpCheck, Tag("<nntp>")]
    | Annotated[further.LdapCheck, Tag("<ldap>")]
    | Annotated[further.MysqlCheck, Tag("<mysql>")]
    | Annotated[further.PostgresqlCheck, Tag("<postgresql>")]
    | Annotated[further.RedisCheck, Tag("<redis>")]
    | Annotated[further.NtpCheck, Tag("<ntp>")]
    | Annotated[further.GrpcCheck, Tag("<grpc>")]
    | Annotated[further.ScriptCheck, Tag("<script>")]
    | Annotated[further.AgentCheck, Tag("<agent>")],
    Discriminator(type_tag),
]

CheckItem = Annotated[
    Annotated[Name, Tag("<name>")] | Annotated[AnyCheck, Tag("<inline>")],
    Discriminator(_item_form),
]

CheckUse = Annotated[
    Annotated[Name, Tag("<name>")]
    | Annotated[AnyCheck, Tag("<inline>")]
    | Annotated[list[CheckItem], Field(min_length=1, max_length=20), Tag("<list>")],
    Discriminator(_form),
]

NO_CHECK: Final = "none"
"""The word under `check:` for a server that is always up."""

CHECK_DESCRIPTION: Final = "A check's name, a check in place, a list of these (all must pass), or none."


def items(use: Any) -> list[str | Check]:
    """The checks under a `check:` as a list of names and checks in place; empty for none."""
    if use is None or use == NO_CHECK:
        return []
    return list(use) if isinstance(use, list) else [use]


def check_types() -> list[str]:
    """The words that `type:` of a check may be."""
    members = get_args(get_args(AnyCheck)[0])
    return [get_args(member)[1].tag.strip("<>") for member in members]
