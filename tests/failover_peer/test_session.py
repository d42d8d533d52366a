"""Sessions: proven by both sides, never by a recording, and re-established after anything."""

from hypothesis import given, settings
from hypothesis import strategies as st

from failover.peer.packet import NO_NONCE, Drop, Kind, Packet
from failover.peer.session import Accepted, Greeted, Session
from support.peers import nonces

STALE = 2.0


def session(name: str, now: float = 0.0) -> Session:
    """A session's side before anything was heard."""
    return Session(nonces(name), STALE, now)


def established(now: float = 0.0) -> tuple[Session, Session]:
    """Both sides after the shortest greeting."""
    a, b = session("a", now), session("b", now)
    greeted = b.accept(a.hello(), now)
    assert isinstance(greeted, Greeted)
    assert a.accept(b.hello(greeted.nonce), now) == Accepted(True)
    assert b.accept(a.packet(Kind.BEAT, b"", now), now) == Accepted(True)
    return a, b


def test_three_packets_make_a_session() -> None:
    """Hello, answering hello, proof; then packets go both ways, each once."""
    a, b = established()
    beat = b.packet(Kind.BEAT, b"x", 0.1)
    assert a.accept(beat, 0.1) == Accepted(False)
    assert a.accept(beat, 0.1) is Drop.REPLAYED


def test_hellos_that_cross_make_one_session() -> None:
    """Both begin at the same moment."""
    a, b = session("a"), session("b")
    first_a, first_b = a.hello(), b.hello()
    to_a, to_b = a.accept(first_b, 0.0), b.accept(first_a, 0.0)
    assert isinstance(to_a, Greeted)
    assert isinstance(to_b, Greeted)
    answer_a, answer_b = a.hello(to_a.nonce), b.hello(to_b.nonce)
    assert a.accept(answer_b, 0.0) == b.accept(answer_a, 0.0) == Accepted(True)
    assert b.accept(a.packet(Kind.BEAT, b"", 0.1), 0.1) == Accepted(False)
    assert a.accept(b.packet(Kind.BEAT, b"", 0.1), 0.1) == Accepted(False)


def test_a_recorded_session_cannot_be_replayed_in() -> None:
    """After a restart of the receiver every packet of the recording is refused or merely greeted."""
    a, b = session("a"), session("b")
    hello = a.hello()
    b.accept(hello, 0.0)
    answer = b.hello(hello.sender_nonce)
    a.accept(answer, 0.0)
    recorded = [hello, *(a.packet(Kind.BEAT, b"", 0.1 * n) for n in range(5))]
    for packet in recorded[1:]:
        assert isinstance(b.accept(packet, 0.0), Accepted)
    again = session("b again", 1.0)
    verdicts = [again.accept(packet, 1.0) for packet in recorded]
    assert isinstance(verdicts[0], Greeted)
    assert set(verdicts[1:]) == {Drop.STALE_SESSION}
    assert not again.established


def test_a_greeting_replayed_into_a_session_disturbs_nothing() -> None:
    """It is answered, and the answer is not taken by the peer, which asked nothing."""
    a, b = established()
    old = session("a before").hello()
    greeted = b.accept(old, 0.1)
    assert greeted == Greeted(old.sender_nonce)
    assert a.accept(b.hello(old.sender_nonce), 0.1) is Drop.LATE_HELLO
    assert b.accept(a.packet(Kind.BEAT, b"", 0.2), 0.2) == Accepted(False)


def test_a_restarted_peer_is_taken_within_its_first_greeting() -> None:
    """The receiver is still in the session with the process that died."""
    _, b = established()
    new = session("a again", 1.0)
    greeted = b.accept(new.hello(), 1.0)
    assert isinstance(greeted, Greeted)
    assert new.accept(b.hello(greeted.nonce), 1.0) == Accepted(True)
    assert b.accept(new.packet(Kind.BEAT, b"", 1.0), 1.0) == Accepted(True)


def test_who_stood_still_offers_what_lives_long_enough() -> None:
    """Its peer gave it up meanwhile and greets; the answer goes out before the next beat would have made a new offer."""
    a, b = established()
    now = 2 * STALE + 0.1
    a.end(now - 1.0)
    greeted = b.accept(a.hello(), now)
    assert isinstance(greeted, Greeted)
    assert a.accept(b.hello(greeted.nonce), now) == Accepted(True)
    b.wake(now)
    assert b.accept(a.packet(Kind.BEAT, b"", now + 0.1), now + 0.1) == Accepted(True)


def test_an_answer_that_was_held_back_is_no_proof() -> None:
    """An offer lives for a while; who answers it later may have said so long ago."""
    a, b = session("a"), session("b")
    b.accept(a.hello(), 0.0)
    late = b.hello(a.hello().sender_nonce)
    assert not isinstance(a.accept(late, 2 * STALE + 0.1), Accepted)


def test_packets_held_back_in_a_session_are_refused() -> None:
    """Their sender did not know what we sent since."""
    a, b = established()
    held = [a.packet(Kind.BEAT, b"", 0.1), a.packet(Kind.BEAT, b"", 0.1)]
    for tenth in range(1, 40):
        b.packet(Kind.BEAT, b"", tenth / 10)
    assert b.accept(held[0], 1.9) == Accepted(False)
    assert b.accept(held[1], 3.9) is Drop.TOO_OLD


def test_empty_nonces_prove_nothing() -> None:
    """Before a session both of ours are empty, too."""
    packet = Packet(kind=Kind.BEAT, sender_nonce=NO_NONCE, receiver_nonce=NO_NONCE, counter=1, heard=0)
    assert session("a").accept(packet, 0.0) is Drop.STALE_SESSION


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["speak", "restart", "end"]), st.sampled_from("ab"), st.just(0.0)),
        st.tuples(st.just("deliver"), st.sampled_from("ab"), st.floats(0, 1)),
        st.tuples(st.just("wait"), st.just("a"), st.floats(0, 3)),
    ),
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_no_packet_is_accepted_twice_whatever_happens(steps: list[tuple[str, str, float]]) -> None:
    """Loss, doubling, reordering, replay of everything ever sent, restarts; then both find each other again."""
    now, born = 0.0, 0
    sides = {"a": session("a"), "b": session("b")}
    record: dict[str, list[Packet]] = {"a": [], "b": []}
    accepted: set[tuple[str, int]] = set()

    def speak(name: str) -> Packet:
        side = sides[name]
        packet = side.packet(Kind.BEAT, b"", now) if side.established else side.hello()
        record[name].append(packet)
        return packet

    def hear(name: str, packet: Packet) -> None:
        verdict = sides[name].accept(packet, now)
        if isinstance(verdict, Accepted):
            assert (name, id(packet)) not in accepted
            accepted.add((name, id(packet)))
        elif isinstance(verdict, Greeted):
            record[name].append(sides[name].hello(verdict.nonce))

    for step, name, value in steps:
        sent = record["b" if name == "a" else "a"]
        if step == "speak":
            speak(name)
        elif step == "deliver" and sent:
            hear(name, sent[int(value * (len(sent) - 1))])
        elif step == "restart":
            born += 1
            sides[name] = session(f"{name}{born}", now)
        elif step == "end":
            sides[name].end(now)
        elif step == "wait":
            now += value
            for side in sides.values():
                side.wake(now)

    # A clean start, which the dead time brings about, and a net that carries everything.
    for side in sides.values():
        side.end(now)
    for _ in range(3):
        for name, peer in ("ab", "ba"):
            before = len(record[peer])
            hear(peer, speak(name))
            for answer in record[peer][before:]:
                hear(name, answer)
    for name, peer in ("ab", "ba"):
        assert sides[peer].accept(speak(name), now) == Accepted(False)
