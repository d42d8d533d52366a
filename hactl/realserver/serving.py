"""Whether the services of this real server answer at their VIPs, not only at its own address; edge.

The law: only a service that answers at the own address and not at a VIP that is here is found: one that does not run at all
is for the directors' checks. Each is probed as a director probes it.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from hactl.config.resolve import servers_of
from hactl.config.schema.document import Document
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.ipvs.spec import Forward
from hactl.probing.aim import Aim, AimError, uses
from hactl.probing.run import run
from hactl.realserver.model import Facts, Wish
from health.result import Reason, Result

_ELSEWHERE: Final = frozenset({"ping", "script", "agent"})
"""Types that say nothing about the VIP: they ask the host, or a program, or at a port of their own."""
_UNJUDGED: Final = frozenset({Reason.CANNOT_RUN, Reason.INTERNAL_ERROR, Reason.TLS_UNVERIFIED})
"""Ends that say nothing about the service: the probe could not be made here, or a certificate names the own address."""


def unserved(document: Document, wanted: Wish, facts: Facts) -> Iterator[Finding]:
    """Services whose checks pass at this host's address and fail at the VIP."""
    here = {one.address for one in facts.addresses}
    for one in wanted.served:
        service = document.services[one.service]
        if (
            one.vip not in here
            or one.forward is Forward.NAT
            or one.server not in servers_of(document, service)
        ):
            continue
        for aim in uses(document, one.service, one.server):
            if aim.type not in _ELSEWHERE and (seen := _deaf(document, aim, one.vip)):
                yield finding(FindingId.VIP_UNSERVED, one.service, seen, "")


def _deaf(document: Document, aim: Aim, vip: str) -> str:
    """What was seen where the check passes at the own address only; else nothing."""
    there = _probed(document, aim, vip)
    if there is None or there.passed or there.reason in _UNJUDGED:
        return ""
    own = _probed(document, aim, aim.host)
    if own is None or not own.passed:
        return ""
    why = f"{there.reason.text}{': ' if there.detail else ''}{there.detail}"
    return f"check {aim.name} passes at {aim.host} port {aim.port}; at {vip}: {why}"


def _probed(document: Document, aim: Aim, address: str) -> Result | None:
    try:
        (probed,) = run(msgspec.structs.replace(aim, host=address), document)
    except AimError:
        return None
    return probed.result
