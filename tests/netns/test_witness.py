"""Whole daemons with witnesses: who is cut off from them steps down and takes nothing; with etcd never two have the VIP."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from subprocess import DEVNULL

from support.daemon import BARE, VIP, Director, Pair, await_master, daemons, pair, wait_until
from support.etcd import PORT, Server, etcd
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

GATEWAY, ARBITER = "10.99.0.3", "10.99.0.3"
LISTENER = 8080
PATIENCE, LEASE, TTL = 3.0, 2.0, 9.0
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


def test_who_is_cut_off_from_its_witnesses_steps_down() -> None:
    """lb1 hears nobody any more, but everybody hears it: it says that it goes, and lb2 serves; then it takes nothing."""
    with seen_pair() as two:
        with deaf(two.net, "lb1"):
            began = time.monotonic()
            wait_until(lambda: two.lb1.is_state("fault"), 3 * (PATIENCE + LEASE))
            reason = two.lb1.router()["reason"]
            assert "its witnesses are not seen: " in reason
            assert f"ping {GATEWAY}" in reason
            assert f"tcp {GATEWAY}:{LISTENER}" in reason
            assert "(0 of 2 seen, 1 needed)" in reason
            wait_until(lambda: two.lb2.is_state("master"))
            wait_until(lambda: not has_vip(two.net, "lb1"), 3 * LEASE)
            time.sleep(LEASE)
            assert two.lb1.is_state("fault")
            assert not has_vip(two.net, "lb1")
            assert two.record.longest_absence(VIP, since=began) == 0.0
            assert two.lb1.events("router.fault", "web")
        wait_until(lambda: two.lb1.is_state("master"))


@contextlib.contextmanager
def seen_pair() -> Iterator[Pair]:
    """A pair whose witnesses are a gateway that answers pings and takes connections."""
    with lan("lb1", "lb2", "gw") as net:
        words = (
            "-m",
            "http.server",
            str(LISTENER),
            "--bind",
            net.address("gw"),
            "--directory",
            "/nonexistent",
        )
        listener = net.start("gw", sys.executable, *words, stdout=DEVNULL, stderr=DEVNULL)
        try:
            with Recorder(net) as record, daemons(net, SEEN, "lb1", "lb2") as (lb1, lb2):
                for director in (lb1, lb2):
                    director.launch()
                wait_until(lambda: has_state(lb1, "master") and has_state(lb2, "backup"), 30.0)
                yield Pair(net, record, lb1, lb2)
        finally:
            listener.kill()
            listener.wait()


def has_state(director: Director, state: str) -> bool:
    """Whether a director that may not answer yet is in this state."""
    status = director.status_or_none()
    return bool(status and status["routers"]["web"]["state"] == state)


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


def test_a_dead_holder_is_followed_when_its_lease_has_ended() -> None:
    """And an orderly handover passes the lease on at once, break before make."""
    with kept() as (two, _):
        began = time.monotonic()
        assert two.lb1.hactl("handover").returncode == 0
        wait_until(lambda: two.lb2.is_state("master") and has_vip(two.net, "lb2"))
        assert two.record.longest_absence(VIP, since=began) < 2.0
        wait_until(lambda: two.lb1.is_state("backup"))
        died = time.monotonic()
        two.lb2.signal(signal.SIGKILL)
        wait_until(lambda: two.lb1.is_state("master") and has_vip(two.net, "lb1"), 3 * TTL)
        assert (
            two.record.longest_absence(VIP, since=died) > 0.0
        )  # Break before make: its key had to end first.
        began = time.monotonic()
        two.lb2.start()
        wait_until(lambda: two.lb2.is_state("backup"))
        assert two.lb1.stop() == 0
        wait_until(lambda: two.lb2.is_state("master") and has_vip(two.net, "lb2"))
        assert two.record.longest_absence(VIP, since=began) < 5.0


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


def test_workers_and_daemons_that_are_killed_come_back_to_their_lease() -> None:
    """The failover worker alone, and then the whole daemon: the same host has the same key again."""
    with kept() as (two, _):
        began = time.monotonic()
        two.lb1.signal(signal.SIGKILL, "failover")
        wait_until(lambda: two.lb1.events("worker.died"))
        wait_until(lambda: two.lb1.is_state("master") and has_vip(two.net, "lb1"))
        assert two.record.changes(VIP, "lb2", since=began) == []
        two.lb1.signal(signal.SIGKILL)
        two.lb1.start()
        wait_until(lambda: two.lb1.is_state("master") and has_vip(two.net, "lb1"), 3 * TTL)
