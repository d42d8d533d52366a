"""Whole daemons that lose each other's adverts: said once, in words, by both; over at once when it heals."""

import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.daemon import BARE, VIP, Pair, pair, wait_until
from support.netns import Lan, needs_namespaces

pytestmark = needs_namespaces

ONE_LINK = (
    "lb2 is reached over one link only (10.99.0.1 - 10.99.0.2); if it breaks, both directors become master"
)


@pytest.fixture
def two() -> Iterator[Pair]:
    """A pair with the channel over the LAN alone."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "peer.key"
        key.write_text("a key of more than sixteen characters\n")
        key.chmod(0o600)
        with pair(f"{BARE}peer: {{key_file: {key}}}\n") as running:
            wait_until(lambda: running.lb1.status()["peers"]["lb2"]["state"] == "up")
            yield running


def lose_adverts(net: Lan, name: str) -> None:
    """This host hears and sends no VRRP."""
    net.run(name, "nft", "add table inet split")
    for hook in ("input", "output"):
        net.run(name, "nft", f"add chain inet split {hook} {{ type filter hook {hook} priority 0; }}")
        net.run(name, "nft", f"add rule inet split {hook} ip protocol 112 drop")


def test_a_split_is_told_once_by_both_and_healed_at_once(two: Pair) -> None:
    """The adverts are lost, the channel is not: both know. Healed, the loser leaves at the first advert it hears, and the
    winner announces again."""
    wait_until(lambda: two.lb1.status()["splits"] == [ONE_LINK])
    assert ONE_LINK in two.lb1.hactl("status").stdout
    lose_adverts(two.net, "lb2")
    wait_until(lambda: two.lb2.is_state("master"))
    for one, other in ((two.lb1, "lb2"), (two.lb2, "lb1")):
        said = f"router web has two masters: this director and {other}"
        wait_until(lambda one=one, said=said: said in one.status()["splits"])  # type: ignore[misc]
        assert said in one.hactl("status").stdout
        (event,) = wait_until(lambda one=one: one.events("conflict.two_masters", "web"))  # type: ignore[misc]
        assert (event["severity"], event["reason"]) == ("critical", f"{other} says that it is master as well")
    time.sleep(2.5)
    healed = time.monotonic()
    two.net.run("lb2", "nft", "delete table inet split")
    wait_until(lambda: two.lb2.is_state("backup"))
    left = wait_until(lambda: [c for c in two.record.changes(VIP, "lb2", since=healed) if not c.there])[0]
    heard = two.record.adverts("lb1", since=healed)
    assert left.at - healed < 1.0
    assert heard[0].priority == 150
    wait_until(lambda: [a for a in two.record.announcements("lb1", since=healed) if a.address == VIP])
    wait_until(lambda: two.lb1.status()["splits"] == [ONE_LINK])
    for director in (two.lb1, two.lb2):
        wait_until(partial(director.events, "conflict.two_masters"))
        assert len(director.events("conflict.two_masters")) == 1
    assert two.record.longest_absence(VIP, since=healed) == 0.0


def test_a_loser_whose_adverts_are_all_lost_has_announced(two: Pair) -> None:
    """The winner knows of it by the channel alone, and tells the neighbours again whose the VIP is."""
    time.sleep(3.0)  # What lb1 announces of its own takeover is over.
    lost = time.monotonic()
    lose_adverts(two.net, "lb2")
    wait_until(lambda: two.record.announcements("lb2", since=lost))
    heard_again = time.monotonic()
    two.net.run("lb2", "nft", "flush chain inet split input")
    wait_until(lambda: two.lb2.is_state("backup"))
    wait_until(lambda: [c for c in two.record.changes(VIP, "lb2", since=heard_again) if not c.there])
    assert not two.record.adverts("lb2", since=lost), "the winner may have heard of it by an advert"
    last = max(one.at for one in two.record.announcements("lb2", since=lost) if one.address == VIP)
    wait_until(lambda: [a for a in two.record.announcements("lb1", since=last) if a.address == VIP])


def test_without_a_channel_status_says_what_would_happen() -> None:
    """Each director knows the other by its adverts alone."""
    with pair() as two:
        said = "there is no peer channel with lb2; if its adverts are lost, both directors become master"
        assert two.lb1.status()["splits"] == [said]
        assert two.lb1.hactl("status").returncode == 0
