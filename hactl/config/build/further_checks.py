"""The probes of mail, names, datagrams and other protocols: one entry for each type of check."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from hactl.config.build.tls import tls_spec
from hactl.config.schema import further_checks as schema
from hactl.config.schema.checks import Check, status_range
from health import spec


def further_probe(check: Check) -> spec.Probe | None:
    """The probe of a check of these types, None for one that this version cannot run."""
    make = _PROBES.get(type(check))
    return None if make is None else make(check)


def _smtp(check: schema.SmtpCheck) -> spec.SmtpProbe:
    return spec.SmtpProbe(helo=check.helo, tls=tls_spec(check.tls), starttls=tls_spec(check.starttls))


def _submission(check: schema.SubmissionCheck) -> spec.SmtpProbe:
    return msgspec.structs.replace(_smtp(check), user=check.user, password_file=check.password_file)


def _sip(check: schema.SipCheck) -> spec.SipProbe:
    status = tuple(status_range(text) for text in check.status)
    return spec.SipProbe(user=check.user, status=status, protocol=check.protocol, tls=tls_spec(check.tls))


def _radius(check: schema.RadiusCheck) -> spec.RadiusProbe:
    return spec.RadiusProbe(secret_file=check.secret_file, user=check.user, password_file=check.password_file)


def _dns(check: schema.DnsCheck) -> spec.DnsProbe:
    return spec.DnsProbe(
        query=check.query, record=check.record, expect=tuple(check.expect), tcp=check.protocol == "tcp"
    )


def _udp(check: schema.UdpCheck) -> spec.UdpProbe:
    return spec.UdpProbe(send=check.send, expect=check.expect, expect_regex=check.expect_regex)


def _login(check: schema.FtpCheck) -> spec.Probe:
    kinds: dict[str, type[spec.FtpProbe | spec.ImapProbe | spec.Pop3Probe]] = {
        "ftp": spec.FtpProbe,
        "imap": spec.ImapProbe,
        "pop3": spec.Pop3Probe,
    }
    return kinds[check.type](
        user=check.user,
        password_file=check.password_file,
        tls=tls_spec(check.tls),
        starttls=tls_spec(check.starttls),
    )


def _nntp(check: schema.NntpCheck) -> spec.NntpProbe:
    return spec.NntpProbe(tls=tls_spec(check.tls))


def _redis(check: schema.RedisCheck) -> spec.RedisProbe:
    return spec.RedisProbe(
        user=check.user,
        password_file=check.password_file,
        role=None if check.role == "any" else check.role,
        tls=tls_spec(check.tls),
    )


def _ntp(check: schema.NtpCheck) -> spec.NtpProbe:
    return spec.NtpProbe(max_stratum=check.max_stratum)


def _ldap(check: schema.LdapCheck) -> spec.LdapProbe:
    return spec.LdapProbe(
        bind_dn=check.bind_dn,
        password_file=check.password_file,
        base=check.base,
        scope=check.scope,
        filter=check.filter,
        tls=tls_spec(check.tls),
        starttls=tls_spec(check.starttls),
    )


def _grpc(check: schema.GrpcCheck) -> spec.GrpcProbe:
    return spec.GrpcProbe(service=check.service, tls=tls_spec(check.tls))


def _sql(check: schema.MysqlCheck | schema.PostgresqlCheck) -> spec.Probe:
    kind = spec.MysqlProbe if isinstance(check, schema.MysqlCheck) else spec.PostgresqlProbe
    return kind(
        user=check.user,
        password_file=check.password_file,
        database=check.database,
        query=check.query,
        tls=tls_spec(check.tls),
    )


def _script(check: schema.ScriptCheck) -> spec.ScriptProbe:
    return spec.ScriptProbe(
        command=tuple(check.command), user=check.user, convention=spec.Convention(check.convention)
    )


_PROBES: Final[dict[type[Check], Callable[[Any], spec.Probe]]] = {
    schema.SmtpCheck: _smtp,
    schema.SubmissionCheck: _submission,
    schema.SipCheck: _sip,
    schema.RadiusCheck: _radius,
    schema.DnsCheck: _dns,
    schema.UdpCheck: _udp,
    schema.FtpCheck: _login,
    schema.ImapCheck: _login,
    schema.Pop3Check: _login,
    schema.NntpCheck: _nntp,
    schema.RedisCheck: _redis,
    schema.NtpCheck: _ntp,
    schema.PingCheck: lambda check: spec.PingProbe(),
    schema.ScriptCheck: _script,
    schema.AgentCheck: lambda check: spec.AgentProbe(send=check.send),
    schema.LdapCheck: _ldap,
    schema.GrpcCheck: _grpc,
    schema.MysqlCheck: _sql,
    schema.PostgresqlCheck: _sql,
}
