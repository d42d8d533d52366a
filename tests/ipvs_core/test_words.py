"""Operations and refusals in words."""

import errno

from hactl.ipvs import words
from hactl.ipvs.model import DestinationKey, Persistence, RealServer, ServiceKey, Tunnel, VirtualService
from hactl.ipvs.ops import (
    AddServer,
    AddService,
    DeleteServer,
    DeleteService,
    MoveServer,
    SetServer,
    SetService,
)
from hactl.ipvs.schedulers import SchedulerFlag
from hactl.ipvs.spec import Forward, TunnelType
from support.ipvs_build import key, real

WWW = key()
OLD = VirtualService(key=WWW, scheduler="wlc")
NEW = VirtualService(
    key=WWW, scheduler="mh", flags=SchedulerFlag.FALLBACK, persistence=Persistence(timeout=300, netmask=24)
)
GUE = RealServer(
    key=DestinationKey("fd00::1", 80), forward=Forward.TUN, tunnel=Tunnel(type=TunnelType.GUE, port=6080)
)


def name(at: ServiceKey) -> str:
    """The configured name of the one service."""
    return "www" if at == WWW else str(at)


def test_intents() -> None:
    """What a plan shows for each operation."""
    assert (
        words.intent(AddService(NEW), name)
        == "www: add service, scheduler mh mh-fallback, persistence 300 s /24"
    )
    assert words.intent(SetService(NEW, OLD), name) == (
        "www: change service, scheduler wlc to mh mh-fallback, persistence none to 300 s /24"
    )
    assert words.intent(DeleteService(WWW)) == "tcp 10.77.0.100:80: remove service"
    assert words.intent(AddServer(WWW, GUE), name) == (
        "www: add server [fd00::1]:80, weight 1, forward tun gue port 6080, connections unlimited"
    )
    assert (
        words.intent(SetServer(WWW, real(1, 5), real(1)), name)
        == "www: change server 10.77.0.21:80, weight 1 to 5"
    )
    assert words.intent(DeleteServer(WWW, real(1)), name) == "www: remove server 10.77.0.21:80"
    assert words.intent(MoveServer(WWW, real(1)), name).startswith(
        "www: put server 10.77.0.21:80 in its place"
    )


def test_deviations() -> None:
    """What somebody had changed, seen from the mend."""
    assert words.deviation(AddService(NEW), name) == "www: the service was missing"
    assert words.deviation(SetService(OLD, NEW), name).startswith(
        "www: the service was changed, scheduler wlc to mh"
    )
    assert words.deviation(DeleteService(WWW), name).endswith("stood in the table")
    assert words.deviation(AddServer(WWW, real(1)), name) == "www: server 10.77.0.21:80 was missing"
    assert words.deviation(SetServer(WWW, real(1), real(1, 9)), name) == (
        "www: server 10.77.0.21:80 was changed, weight 1 to 9"
    )
    assert words.deviation(MoveServer(WWW, real(1)), name).startswith(
        "www: server 10.77.0.21:80 stood out of order"
    )
    assert words.deviation(DeleteServer(WWW, real(9)), name).startswith(
        "www: server 10.77.0.29:80, which is not"
    )


def test_refusals_name_service_and_mend() -> None:
    """errno by its name, the kernel's own words, and a hint for each likely cause."""
    missing = words.refusal(AddService(OLD), errno.ENOENT, "", name)
    assert missing.startswith("www: add service, scheduler wlc")
    assert "refused by the kernel with ENOENT" in missing
    assert missing.endswith("it has no scheduler 'wlc': modprobe ip_vs_wlc shows why")
    mixed = words.refusal(AddServer(WWW, GUE), errno.EINVAL, "Bad address", name)
    assert "(Bad address)" in mixed
    assert "forward: tun only" in mixed
    for op, code, part in (
        (AddServer(WWW, real(1)), errno.EINVAL, "lo must be up"),
        (SetServer(WWW, real(1), real(1)), errno.ERANGE, "thresholds"),
        (DeleteServer(WWW, real(1)), errno.ENOENT, "another program"),
        (AddService(OLD), errno.EAFNOSUPPORT, "built without"),
        (AddService(OLD), errno.ENOMEM, "memory"),
        (AddService(OLD), errno.EPERM, "CAP_NET_ADMIN"),
        (AddService(OLD), errno.EIO, "log"),
        (AddService(VirtualService(key=WWW, scheduler="rr", engine="sip")), errno.ENOENT, "ip_vs_pe_sip"),
    ):
        assert part in words.refusal(op, code, "", name)


def test_other_programs_settings_have_words() -> None:
    """A mask, a method or a tunnel that hactl never sets is called another."""
    odd = VirtualService(key=WWW, scheduler="rr", persistence=Persistence(timeout=1, netmask=None))
    assert "another mask" in words.intent(SetService(OLD, odd))
    assert "forward another to dr" in words.intent(SetServer(WWW, real(1), real(1, forward=None)))
