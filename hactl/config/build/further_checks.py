"""The probes of mail, names, datagrams and other protocols: one entry for each type of check."""

from collections.abc import Callable
from typing import Any, Final

from hactl.config.build.tls import tls_spec
from hactl.config.schema import further_checks as schema
from hactl.config.schema.checks import Check
from health import spec


def further_probe(check: Check) -> spec.Probe | None:
    """The probe of a check of these types, None for one that this version cannot run."""
    make = _PROBES.get(type(check))
    return None if make is None else make(check)


def _smtp(check: schema.SmtpCheck) -> spec.SmtpProbe:
    return spec.SmtpProbe(helo=check.helo, tls=tls_spec(check.tls), starttls=tls_spec(check.starttls))


def _dns(check: schema.DnsCheck) -> spec.DnsProbe:
    return spec.DnsProbe(
        query=check.query, record=check.record, expect=tuple(check.expect), tcp=check.protocol == "tcp"
    )


def _udp(check: schema.UdpCheck) -> spec.UdpProbe:
    return spec.UdpProbe(send=check.send, expect=check.expect, expect_regex=check.expect_regex)


_PROBES: Final[dict[type[Check], Callable[[Any], spec.Probe]]] = {
    schema.SmtpCheck: _smtp,
    schema.DnsCheck: _dns,
    schema.UdpCheck: _udp,
}
