"""Which services need a module that the kernel never loads by itself."""

from hactl.ipvs.helpers import missing, wanted
from hactl.ipvs.spec import Forward, Protocol
from support.ipvs_build import server_spec, service_spec

NAT = (server_spec(1, forward=Forward.NAT),)


def test_ftp_by_nat_needs_its_helper() -> None:
    """By dr and tun the real server's own address is what it says; other ports and protocols have no such thing."""
    assert wanted(
        [service_spec("files", port=21, servers=NAT), service_spec("more", port=21, servers=NAT)]
    ) == {"ip_vs_ftp": "files"}
    for other in (
        {"port": 21},
        {"port": 22, "servers": NAT},
        {"port": 21, "servers": NAT, "protocol": Protocol.UDP},
    ):
        assert wanted([service_spec(**other)]) == {}


def test_what_is_said_names_the_service_and_the_command() -> None:
    """An operator can mend it from the sentence alone."""
    assert missing("ip_vs_ftp", "files").startswith("files: data connections of FTP by nat need")
    assert "modprobe ip_vs_ftp; echo ip_vs_ftp > /etc/modules-load.d/ip_vs_ftp.conf" in missing(
        "ip_vs_ftp", "files"
    )
