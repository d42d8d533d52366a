"""Two directors' exchanges over virtual links: states, words, payload, handover, restarts and an attacker."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.peer.actions import (
    HandoverAsked,
    HandoverDone,
    HandoverFailed,
    HandoverReady,
    LinkChanged,
    PayloadArrived,
    PayloadTaken,
    PeerChanged,
    PeerState,
    Word,
    WordHeard,
)
from failover.peer.exchange import ANSWERS
from failover.peer.packet import MAX_DATAGRAM, Drop
from support.peers import KEY, OTHER_KEY, Net, ring, standing, view

UP, DOWN, UNKNOWN = PeerState.UP, PeerState.DOWN, PeerState.UNKNOWN
DEAD = 1.0
HARMLESS = {Drop.LATE_HELLO.value}


def running(seed: int = 0) -> Net:
    """Both directors up on both links."""
    net = Net(seed)
    net.run(1.0)
    assert states(net) == {"a": UP, "b": UP}
    return net


def states(net: Net) -> dict[str, PeerState]:
    """What each side thinks of the other."""
    return {name: side.exchange.state for name, side in net.sides.items()}


def share(net: Net, name: str, version: int, data: bytes) -> None:
    """A side's payload."""
    net.do(name, lambda exchange, now: exchange.share(version, data, now))


def stand(net: Net, name: str, version: int, data: bytes) -> None:
    """How a side stands."""
    net.do(name, lambda exchange, now: exchange.stand(version, data, now))


def test_up_within_a_moment_and_nothing_refused() -> None:
    """Both ways on both links; the copies of a greeting on the second link are the only leftovers."""
    net = Net()
    net.run(0.01)
    assert states(net) == {"a": UP, "b": UP}
    net.run(5.0)
    for side in net.sides.values():
        assert [link.state for link in side.exchange.report().links] == [UP, UP]
        assert set(side.exchange.drops) <= HARMLESS
        assert len(side.told(PeerChanged)) == 1


def test_one_link_lost_is_an_alarm_both_is_down() -> None:
    """And everything comes back by itself."""
    net = running()
    net.cut = {("a", 1), ("b", 1)}
    net.run(2.0)
    assert states(net) == {"a": UP, "b": UP}
    alarm = net["a"].told(LinkChanged)[-1]
    assert (alarm.link.own, alarm.state, alarm.partial) == ("10.90.1.1", DOWN, True)
    net.cut |= {("a", 0), ("b", 0)}
    net.run(DEAD + 0.5)
    assert states(net) == {"a": DOWN, "b": DOWN}
    net.cut = set()
    net.run(0.5)
    assert states(net) == {"a": UP, "b": UP}
    assert [link.state for link in net["a"].exchange.report().links] == [UP, UP]


def test_one_way_loss() -> None:
    """Who hears nothing calls the other down; who is not heard knows that nothing is known."""
    net = running()
    net.cut = {("a", 0), ("a", 1)}
    net.run(4.0)
    assert states(net) == {"a": UNKNOWN, "b": DOWN}
    assert "may not hear us" in net["a"].exchange.report().reason
    net.cut = set()
    net.run(0.5)
    assert states(net) == {"a": UP, "b": UP}


def test_links_that_carry_one_way_each_are_enough() -> None:
    """From a to b on one link, from b to a on the other: the peer is up, both links are alarms."""
    net = Net()
    net.cut = {("a", 1), ("b", 0)}
    net.run(4.0)
    assert states(net) == {"a": UP, "b": UP}
    assert {link.state for side in net.sides.values() for link in side.exchange.report().links} == {DOWN}


def test_a_killed_director_is_down_and_up_again_when_restarted() -> None:
    """In a new session, with what it is told anew."""
    net = running()
    share(net, "a", 1, b"of a")
    net.run(0.2)
    net.kill("b")
    net.run(DEAD + 0.5)
    assert states(net) == {"a": DOWN}
    net.start("b")
    net.run(0.3)
    assert states(net) == {"a": UP, "b": UP}
    assert net["b"].told(PayloadArrived) == [PayloadArrived(b"of a")]
    assert len(net["a"].told(PayloadTaken)) == 2


def test_a_quick_restart_is_no_death() -> None:
    """The survivor never calls it down."""
    net = running()
    net.start("b")
    net.run(1.0)
    assert states(net) == {"a": UP, "b": UP}
    assert [change.state for change in net["a"].told(PeerChanged)] == [UP]


def test_a_pause_is_outlived() -> None:
    """The one that slept accuses nobody; it was called down meanwhile."""
    net = running()
    net.pause("b", 5.0)
    net.run(3.0)
    assert net["a"].exchange.state is DOWN
    net.run(3.0)
    assert states(net) == {"a": UP, "b": UP}
    assert [change.state for change in net["b"].told(PeerChanged)] == [UP]


def test_goodbye_is_heard_at_once() -> None:
    """No dead time to wait."""
    net = running()
    net.do("b", lambda exchange, now: exchange.goodbye(now))
    net.kill("b")
    net.run(0.01)
    assert net["a"].told(PeerChanged)[-1] == PeerChanged(DOWN, "its daemon ended in order")


def test_words_arrive_within_milliseconds_in_their_order() -> None:
    """The link of one router goes, then the daemon, then both stand again; each is told once."""
    net = running()
    stand(net, "b", 1, standing(view(), view("inside")))
    net.run(0.005)
    stand(net, "b", 2, standing(view(link_gone=True), view("inside")))
    net.run(0.005)
    stand(net, "b", 3, standing(view(link_gone=True), view("inside"), ending=True))
    net.run(0.005)
    stand(net, "b", 4, standing(view(), view("inside")))
    net.run(0.005)
    assert net["a"].told(WordHeard) == [
        WordHeard(Word.LINK_GONE, "web", "10.77.0.12"),
        WordHeard(Word.ENDING, None),
        WordHeard(Word.ENDING, "inside", "10.77.0.12"),
        WordHeard(Word.STANDING, None),
        WordHeard(Word.STANDING, "inside", "10.77.0.12"),
        WordHeard(Word.STANDING, "web", "10.77.0.12"),
    ]
    assert [r.router for r in net["a"].exchange.report().routers] == ["web", "inside"]


def test_a_restarted_daemon_no_longer_ends() -> None:
    """The word of the process before it does not stick."""
    net = running()
    stand(net, "b", 1, standing(ending=True))
    net.run(0.1)
    net.start("b")
    stand(net, "b", 1, standing())
    net.run(0.5)
    assert [heard.word for heard in net["a"].told(WordHeard)] == [Word.ENDING, Word.STANDING]


def test_a_word_that_waited_for_a_sleeper_is_void() -> None:
    """The link may be there again since, and its director be master: who still says so does so again."""
    net = running()
    stand(net, "b", 1, standing(view()))
    net.run(0.1)
    net.pause("a", 0.6)
    stand(net, "b", 2, standing(view(link_gone=True)))
    net.run(0.1)
    stand(net, "b", 3, standing(view()))
    net.run(1.0)
    assert net["a"].told(WordHeard) == []


def test_a_word_is_repeated_for_a_sleeper() -> None:
    """A short stall delays it and no more."""
    net = running()
    net.pause("a", 0.6)
    stand(net, "b", 1, standing(view(link_gone=True)))
    net.run(1.0)
    assert [heard.word for heard in net["a"].told(WordHeard)] == [Word.LINK_GONE]


@pytest.mark.parametrize("seed", range(5))
def test_words_get_through_loss_quickly(seed: int) -> None:
    """30 % lost: 250 routers lose their link, and the peer knows all within 200 ms."""
    net = running(seed=seed)
    net.loss = 0.3
    routers = [f"router-with-a-long-name-{number}" for number in range(250)]
    stand(net, "b", 1, standing(*(view(router, master="10.77.0.11") for router in routers)))
    net.run(2.0)
    stand(net, "b", 2, standing(*(view(router, link_gone=True) for router in routers)))
    net.run(0.2)
    assert len(net["a"].told(WordHeard)) == 250


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_a_long_payload_arrives(loss: float) -> None:
    """100 KB, whole, acknowledged, told once; later versions replace it."""
    net = running(seed=3)
    net.loss = loss
    data = bytes(range(256)) * 400
    share(net, "a", 1, data)
    net.run(0.1 if loss == 0 else 5.0)
    assert net["b"].told(PayloadArrived) == [PayloadArrived(data)]
    assert net["a"].told(PayloadTaken) == [PayloadTaken(1)]
    share(net, "a", 2, b"second")
    share(net, "a", 3, b"third")
    net.run(2.0)
    assert net["b"].told(PayloadArrived)[-1] == PayloadArrived(b"third")
    assert net["a"].exchange.report().payload_taken == 3


def test_a_payload_finds_another_link() -> None:
    """A link that works no more, but is not known as down yet, only costs a moment."""
    net = running()
    net.cut = {("a", 0), ("b", 0)}
    share(net, "a", 1, bytes(20_000))
    net.run(0.3)
    assert net["b"].told(PayloadArrived) == [PayloadArrived(bytes(20_000))]


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_a_handover_by_name(loss: float) -> None:
    """Asked, ready, done: each told once to the one it concerns."""
    net = running(seed=5)
    net.loss = loss
    net.do("a", lambda exchange, now: exchange.ask("web", now))
    net.run(0.3)
    assert net["b"].told(HandoverAsked) == [HandoverAsked("web")]
    net.do("b", lambda exchange, now: exchange.hand(lambda h: h.ready("web", now), now))
    net.run(0.3)
    assert net["a"].told(HandoverReady) == [HandoverReady("web")]
    net.do("a", lambda exchange, now: exchange.hand(lambda h: h.done("web"), now))
    net.run(0.3)
    assert net["b"].told(HandoverDone) == [HandoverDone("web")]
    assert not net["a"].told(HandoverFailed)


def test_a_handover_ends_with_the_session() -> None:
    """The peer dies in the middle of it, and then there is nobody to ask."""
    net = running()
    net.do("a", lambda exchange, now: exchange.ask("web", now))
    net.run(0.1)
    net.kill("b")
    net.run(2.5)
    assert [failed.router for failed in net["a"].told(HandoverFailed)] == ["web"]
    net.do("a", lambda exchange, now: exchange.ask("web", now))
    assert net["a"].told(HandoverFailed)[-1].reason == "b is down"


def test_an_ask_that_waited_for_a_sleeper_is_void() -> None:
    """It may have been taken back or be that of a director that is dead by now; who still asks does so again at once."""
    net = running()
    net.pause("b", 1.5)
    net.do("a", lambda exchange, now: exchange.ask("web", now))
    net.run(0.5)
    net.kill("a")
    net.run(3.0)
    assert net["b"].told(HandoverAsked) == []


def test_an_ask_is_repeated_for_a_sleeper() -> None:
    """A short stall delays it and no more."""
    net = running()
    net.pause("b", 0.6)
    net.do("a", lambda exchange, now: exchange.ask("web", now))
    net.run(1.0)
    assert len(net["b"].told(HandoverAsked)) == 1


def test_a_handover_ends_with_a_quick_restart() -> None:
    """The new process of the taker knows of no ask, and that of the giver numbers its asks anew."""
    net = running()
    for name in ("b", "a"):
        net.do("a", lambda exchange, now: exchange.ask("web", now))
        net.run(0.1)
        net.start(name)
        net.run(0.5)
        assert len(net["b" if name == "a" else "a"].told(HandoverFailed)) == 1
    net.do("a", lambda exchange, now: exchange.ask("web", now))
    net.run(0.1)
    assert len(net["b"].told(HandoverAsked)) == 2


def test_a_recording_is_refused_and_keeps_nobody_alive() -> None:
    """Everything b ever said is played to a again, while b lives, after it died, and after a restarted."""
    net = running()
    stand(net, "b", 1, standing(ending=True))
    net.run(1.0)
    recording = [(link, datagram) for _, sender, link, datagram in net.record if sender == "b"]
    greetings = sum(datagram[5] == 1 for _, datagram in recording)
    refused = sum(net.inject("a", link, datagram) for link, datagram in recording)
    assert refused >= len(recording) - greetings
    net.kill("b")
    for _ in range(20):
        net.run(0.1)
        for link, datagram in recording:
            net.inject("a", link, datagram)
    assert net["a"].exchange.state is not UP
    net.start("a")
    for _ in range(40):
        net.run(0.1)
        for link, datagram in recording:
            net.inject("a", link, datagram)
    assert net["a"].exchange.state is UNKNOWN
    assert net["a"].told(WordHeard) == []
    assert net["a"].exchange.drops[Drop.STALE_SESSION.value] > 0
    assert all(count == 1 for count in net.accepted.values())


def test_a_recording_from_the_other_link_is_refused() -> None:
    """Link 1 is cut; what is heard on link 0 is carried over to it."""
    net = running()
    net.cut = {("a", 1), ("b", 1)}
    for _ in range(20):
        at = len(net.record)
        net.run(0.1)
        for _, sender, link, datagram in net.record[at:]:
            if sender == "b" and link == 0:
                assert net.inject("a", 1, datagram)
    assert [link.state for link in net["a"].exchange.report().links] == [UP, DOWN]
    assert net["a"].exchange.drops[Drop.BAD_MAC.value] > 0


def test_another_key_is_refused_and_named() -> None:
    """Both sides say so in words, and neither calls the other down."""
    net = Net(keys={"a": ring(KEY), "b": ring(OTHER_KEY)})
    net.run(5.0)
    assert states(net) == {"a": UNKNOWN, "b": UNKNOWN}
    assert "key that is not in the key file" in net["a"].exchange.report().reason
    assert net["a"].exchange.drops[Drop.UNKNOWN_KEY.value] > 20


def test_a_key_change_disturbs_no_session() -> None:
    """Added, moved to the top, the old one removed: on one director after the other."""
    net = running()
    for keys in (ring(KEY, OTHER_KEY), ring(OTHER_KEY, KEY), ring(OTHER_KEY)):
        for name in "ab":
            net[name].exchange.use_keys(keys)
            net.run(1.0)
    assert [len(side.told(PeerChanged)) for side in net.sides.values()] == [1, 1]
    assert set(net["a"].exchange.drops) <= HARMLESS


def test_stretched_time_is_noticed() -> None:
    """An attacker holds everything of b back, each packet a bit longer, to keep it alive after its death."""
    net = running()
    start = net.now
    net.cut = {("b", 0), ("b", 1)}
    at, played, died = len(net.record), 0, 0.0
    while net.now < start + 20:
        net.run(0.05)
        if net.now > start + 5 and "b" in net.sides:
            net.kill("b")
            died = net.now
        held = [row for row in net.record[at:] if row[1] == "b"]
        while played < len(held) and net.now - start >= (held[played][0] - start) * 2:
            net.inject("a", held[played][2], held[played][3])
            played += 1
        if net["a"].exchange.state is not UP:
            break
    assert not died or net.now - died < 2 * DEAD
    assert net["a"].exchange.drops[Drop.TOO_OLD.value] > 0


def test_a_flood_of_greetings_is_answered_within_bounds() -> None:
    """No more answers in a beat than planned, each of the others is counted, and the session does not suffer."""
    net = running()
    old = Net(seed=9)
    greetings = []
    for _ in range(50):
        old.start("b")
        old.cut = {("a", 0), ("a", 1), ("b", 0), ("b", 1)}
        old.run(0.01)
    greetings = [datagram for _, sender, link, datagram in old.record if sender == "b" and link == 0]
    at, before = len(net.record), net["a"].exchange.drops.total()
    for datagram in greetings * 10:
        net.inject("a", 0, datagram)
    answered = (len(net.record) - at) // 2
    assert 0 < answered <= ANSWERS
    assert net["a"].exchange.drops.total() - before == 10 * len(greetings) - answered
    assert net["a"].exchange.drops[Drop.TOO_MANY.value] > 0
    net.run(2.0)
    assert states(net) == {"a": UP, "b": UP}


@settings(max_examples=300, deadline=None)
@given(link=st.integers(0, 1), datagram=st.binary(max_size=MAX_DATAGRAM + 10), at=st.integers(0, 200))
def test_forgeries_are_refused(link: int, datagram: bytes, at: int) -> None:
    """Noise, and a true datagram that ends in noise."""
    net = Net()
    net.run(0.5)
    true = next(row[3] for row in reversed(net.record) if row[1] == "b")
    assert net.inject("a", link, datagram)
    forged = true[: min(at, len(true) - 1)] + datagram
    assert forged == true or net.inject("a", link, forged)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_story_ends_well_and_nothing_is_taken_twice(seed: int) -> None:
    """Loss, doubling, reordering, restarts, pauses, cuts, recordings played and forged, by seed; then the net is whole.

    The law: no datagram is taken twice, none older than the bound, no forged one; what was said last is known in the end.
    """
    net = Net(seed)
    chance = net.random
    net.delay, net.double = (0.0, 0.3), 0.2
    versions = {"a": 0, "b": 0}
    payloads = {"a": b"", "b": b""}

    def put(name: str) -> None:
        versions[name] += 1
        payloads[name] = f"{name}{versions[name]}".encode() * chance.randint(1, 800)
        share(net, name, versions[name], payloads[name])

    for name in "ab":
        put(name)
    net.run(0.1)
    for _ in range(60):
        net.loss = chance.choice([0.0, 0.3, 0.6])
        name = chance.choice("ab")
        match chance.choice(["run", "run", "restart", "pause", "cut", "put", "replay", "forge"]):
            case "restart":
                net.start(name)
                put(name)
            case "pause":
                net.pause(name, chance.uniform(0, 4))
            case "cut":
                ends = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
                net.cut = set(chance.sample(ends, chance.randint(0, 4)))
            case "put":
                put(name)
            case "replay":
                for _, sender, link, datagram in chance.choices(net.record, k=20):
                    net.inject("a" if sender == "b" else "b", link, datagram)
            case "forge":
                _, sender, link, datagram = chance.choice(net.record)
                at = chance.randrange(len(datagram))
                forged = datagram[:at] + bytes((datagram[at] ^ 0x40,)) + datagram[at + 1 :]
                assert net.inject("a" if sender == "b" else "b", link, forged)
        net.run(chance.uniform(0.05, 1.0))
    net.loss = net.double = 0.0
    net.delay, net.cut = (0.0002, 0.0005), set()
    net.run(12.0)
    assert states(net) == {"a": UP, "b": UP}
    assert {link.state for side in net.sides.values() for link in side.exchange.report().links} == {UP}
    for name, peer in ("ab", "ba"):
        assert net[peer].told(PayloadArrived)[-1].data == payloads[name]
        assert net[name].exchange.report().payload_taken == versions[name]
    assert all(count == 1 for count in net.accepted.values())
