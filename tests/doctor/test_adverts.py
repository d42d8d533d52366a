"""Adverts of strangers, judged without a link."""

import ipaddress

import pytest

from hactl.doctor.adverts import Advertised, judge
from support.doctor import configured

WWW = "www: {address: 10.99.0.100, port: 80, forward: dr, check: none, servers: {rs1: 10.99.0.3}}"


def advert(
    source: str = "10.99.0.9", *vips: str, vrid: int = 51, version: int = 3, priority: int = 100
) -> Advertised:
    """One heard on eth0."""
    addresses = tuple(ipaddress.ip_address(vip).packed for vip in vips or ("10.99.0.100",))
    return Advertised(
        interface="eth0", source=source, version=version, vrid=vrid, priority=priority, addresses=addresses
    )


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        (advert(), []),
        (advert("10.99.0.9", "10.99.0.77"), [("vrid-taken", "web")]),
        (advert("10.99.0.9", "10.99.0.100", "10.99.0.77"), [("vrid-taken", "web")]),
        (advert(version=2), [("vrid-taken", "web")]),
        (advert("10.99.0.9", "10.99.0.77", priority=0), []),
        (advert("10.99.0.1", "10.99.0.77"), []),
        (advert("10.99.0.9", "10.99.0.77", vrid=60), []),
        (advert("10.99.0.9", "10.99.0.100", vrid=60), [("vip-taken", "10.99.0.100")]),
        (advert("fe80::9", "2001:db8::77"), []),
    ],
)
def test_strangers(heard: Advertised, found: list[tuple[str, str]]) -> None:
    """Other addresses or another version under our VRID, our VIP under another; a release and our own words are none."""
    assert [(one.id.value, one.subject) for one in judge(configured(WWW), {"10.99.0.1"}, (heard,))] == found


def test_each_is_told_once_and_a_free_number_offered() -> None:
    """Two strangers under one VRID are one finding; the number that is offered is nobody's here."""
    heard = (advert("10.99.0.8", "10.99.0.77"), advert("10.99.0.9", "10.99.0.78"), advert(vrid=1))
    found = {one.id.value: one for one in judge(configured(WWW), (), heard)}
    assert set(found) == {"vrid-taken", "vip-taken"}
    assert "routers.web.vrid: 2" in found["vrid-taken"].mend
