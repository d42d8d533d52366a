"""Captures what keepalived sends of each form: its advert, and its release when it stops.

`PYTHONPATH=tests python -m support.keepalived_packets` writes them anew as the golden packets of tests/failover.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from failover.ip import Received
from failover.spec import RouterSpec
from support import packets
from support.directors import until
from support.keepalived import Keepalived
from support.keepalived_forms import FORMS, PASSWORD, Ends
from support.netns import Lan, lan
from support.recorder import Recorder, received

PRIORITY = 100
OLD_CHECKSUM = "v3-ipv4-unicast-old-checksum"
_NOTES = (
    "Adverts (priority 100) and releases (priority 0) of Debian 12's keepalived 2.2.7, captured at the bridge of two",
    "network namespaces; 10.99.0.1 is its peer. Written by tests/support/keepalived_packets.py, captured again and compared",
    "by tests/netns/test_keepalived_packets.py. Each line: form and kind, source, destination, TTL or hop limit, message.",
)


def capture() -> dict[str, Received]:
    """All forms, and the checksum that keepalived up to 1.3.6 made for unicast."""
    found = _capture(tuple(FORMS))
    old = _capture(("v3-ipv4-unicast",), more="old_unicast_checksum")
    return found | {
        f"{OLD_CHECKSUM}-{kind}": old[f"v3-ipv4-unicast-{kind}"] for kind in ("advert", "release")
    }


def _capture(forms: Sequence[str], more: str = "") -> dict[str, Received]:
    with lan("a", "k") as net, tempfile.TemporaryDirectory() as folder:
        _settle_addresses(net)
        ends = Ends(net)
        routers = ends.routers("k", PRIORITY, *forms)
        rival = Keepalived(net, "k", Path(folder), password=PASSWORD, source=ends.own["k"])
        try:
            with Recorder(net) as recorder:
                rival.start(*routers, more=more)
                until(
                    lambda: rival.holds() and len(_named(recorder, routers)) == len(routers),
                    20.0,
                    rival.log(),
                )
                rival.stop()
                until(lambda: len(_named(recorder, routers)) == 2 * len(routers), 5.0, rival.log())
                return _named(recorder, routers)
        finally:
            rival.close()


def _named(recorder: Recorder, routers: Sequence[RouterSpec]) -> dict[str, Received]:
    names = {spec.vrid: spec.name for spec in routers}
    found = (packet for frame in list(recorder.frames) if (packet := received(frame)) is not None)
    kinds = {PRIORITY: "advert", 0: "release"}
    named = {f"{names[one.message[1]]}-{kinds[one.message[2]]}": one for one in found}
    order = [f"{name}-{kind}" for name in names.values() for kind in kinds.values()]
    return {name: named[name] for name in order if name in named}


def _settle_addresses(net: Lan) -> None:
    """The same link-local addresses at each capture."""
    for number, name in enumerate(net.names, 1):
        mac = f"02:00:00:00:00:{number:02x}"
        net.ip(name, "link set eth0 down", f"link set eth0 address {mac}", "link set eth0 up")


if __name__ == "__main__":
    packets.FOLDER.mkdir(exist_ok=True)
    packets.write(packets.KEEPALIVED, _NOTES, capture())
    print(f"{packets.KEEPALIVED} is written")
