"""Whole daemons with witnesses: who is cut off from them steps down and takes nothing; with etcd never two have the VIP."""

import contextlib
import signal
import time
from collections.abc import Iterator

from support.daemon import BARE, VIP, Pair, await_master, daemons, pair, wait_until
from support.etcd import PORT, Server, etcd
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

GATEWAY, ARBITER = "10.99.0.3", "10.99.0.3"
LISTENER = 8080
PATIENCE, LEASE, TTL = 3.0, 2.0, 7.0
SEEN = (
    BARE
    + f"witness: {{patience: 3s, need: 1, targets: [{{ping: {GATEWAY}}}, {{tcp: '{GATEWAY}:{LISTENER}'}}]}}\n"
)
KEPT = BARE + f"witness: {{targets: [{{etcd: {{endpoints: ['http://{ARBITER}:{PORT}']}}}}]}}\n"


@contextlib.contextmanager
def deaf(net: Lan, host: str, *sources: str) -> Iterator[None]:
    """Nothing from these addresses (none named: from anybody) reaches a host, as behind a broken port."""
    which = [f"ip saddr {source}" for source in sources] or ["iifname eth0"]
    net.run(host, "nft", "add table inet cut")
    net.run(host, "nft", "add chain inet cut input { type filter hook input priority 0; }")
    for one in which:
        net.run(host, "nft", f"add rule inet cut input {one} drop")
    try:
        yield
    finally:
        net.run(host, "nft", "delete table inet cut")


def has_vip(net: Lan, host: str) -> bool:
    """Whether the host's kernel has the VIP."""
    return VIP in net.addresses(host)


def test_without_witnesses_nobody_serves() -> None:
    """What the price is when the witness itself is gone: the kernel takes the VIP from a pair that is healthy."""
    with pair(SEEN, "gw") as two:
        two.net.ip("gw", "link set eth0 down")
        wait_until(lambda: two.lb1.is_state("fault") and two.lb2.is_state("fault"), 3 * (PATIENCE + LEASE))
        wait_until(lambda: not has_vip(two.net, "lb1") and not has_vip(two.net, "lb2"), 3 * LEASE)
        two.net.ip("gw", "link set eth0 up")
        await_master(two.lb1, two.lb2)


@contextlib.contextmanager
def kept(text: str = KEPT) -> Iterator[tuple[Pair, Server]]:
    """A running pair with etcd as arbiter; the VIP was never on both."""
    with (
        lan("lb1", "lb2", "etcd") as net,
        etcd(net, "etcd") as server,
        Recorder(net) as record,
        daemons(net, text, "lb1", "lb2") as (lb1, lb2),
    ):
        lb1.start()
        wait_until(lambda: lb1.is_state("master") and has_vip(net, "lb1"))
        lb2.start()
        wait_until(lambda: lb2.is_state("backup"))
        yield Pair(net, record, lb1, lb2), server
        assert record.overlap(VIP) == 0.0


def test_directors_that_do_not_hear_each_other_have_one_holder() -> None:
    """Cut between the directors only: each sees etcd, lb1 has its lease, and lb2 waits for it and says so."""
    with kept() as (two, _):
        began = time.monotonic()
        with deaf(two.net, "lb1", "10.99.0.2"), deaf(two.net, "lb2", "10.99.0.1"):
            wait_until(lambda: "waiting for its witness: lb1 has the lease" in two.lb2.router()["reason"])
            time.sleep(TTL + 3.0)
            assert two.lb1.is_state("master")
            assert two.lb2.is_state("backup")
            assert two.record.longest_absence(VIP, since=began) == 0.0
            two.lb1.signal(signal.SIGKILL)
            wait_until(lambda: two.lb2.is_state("master") and has_vip(two.net, "lb2"), 3 * TTL)


def test_a_better_director_that_comes_back_is_given_the_lease() -> None:
    """It asks by adverts, the master gives way, and the lease changes hands."""
    with kept() as (two, _):
        two.lb1.stop()
        wait_until(lambda: two.lb2.is_state("master"))
        began = time.monotonic()
        two.lb1.start()
        wait_until(lambda: two.lb1.is_state("master") and has_vip(two.net, "lb1"))
        assert two.record.longest_absence(VIP, since=began) < 3.0


def test_without_etcd_nobody_serves() -> None:
    """A healthy pair loses its VIP before the key could end, says why, and serves again when etcd is back."""
    with kept() as (two, server):
        server.kill()
        wait_until(lambda: two.lb1.is_state("fault") and two.lb2.is_state("fault"), 3 * TTL)
        assert f"its witnesses are not seen: etcd http://{ARBITER}:{PORT}" in two.lb1.router()["reason"]
        wait_until(lambda: not has_vip(two.net, "lb1") and not has_vip(two.net, "lb2"), 3 * LEASE)
        server.start()
        await_master(two.lb1, two.lb2, within=30.0)
