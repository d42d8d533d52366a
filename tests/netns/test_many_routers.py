"""As many routers on one interface as VRRP has numbers for: punctual, cheap, and moving together without a gap."""

import socket
from pathlib import Path

from failover.buffers import enlarge
from failover.moves import Cause
from support.directors import until
from support.many_routers import COUNT, hactl_pair, masters, routers, watch
from support.netns import lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

LATE = 0.1
CPU = 0.4
SKEW = 0.5
"""Below the skew time of the backup, for which the VIPs would be away if they were given up at the release."""


def test_250_routers_on_one_interface() -> None:
    """One socket for all; no advert is late, nobody takes over; at a stop all move, and no VIP is given up before."""
    with lan("a", "b") as net, Recorder(net) as recorder, hactl_pair(net) as (a, b):
        figures = watch(net, recorder, ([a.process.pid], [b.process.pid]), 4.0)
        assert (figures.routers, figures.senders, figures.sockets) == (COUNT, {"a"}, 1)
        assert len(figures.late) > 2 * COUNT
        assert figures.late[-1] < LATE, figures.line("hactl")
        assert max(figures.cpu) < CPU, figures.line("hactl")
        assert {report.transitions for report in b.reports.values()} == {1}
        assert [note for note in (*a.notes(), *b.notes()) if "slow" in note or "taken off" in note] == []
        a.stop()
        assert a.process.wait(20) == 0
        until(lambda: masters(b) == COUNT, 5.0)
        assert {report.cause for report in b.reports.values()} == {Cause.MASTER_RELEASED}
        vips = [address.address for spec in routers(100) for address in spec.addresses]
        assert max(recorder.longest_absence(address) for address in vips) < SKEW
        assert not net.addresses("a") & set(vips)


def test_receive_buffers_are_not_bound_by_the_hosts_limit() -> None:
    """What hundreds of peers say while this process waits for its turn must fit."""
    size = int(Path("/proc/sys/net/core/rmem_max").read_text()) + 4096
    with lan("a") as net, net.inside("a"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        enlarge(sock, size)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * size
