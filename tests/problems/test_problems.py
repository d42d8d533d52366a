"""What is wrong now, and what operators have said to know of it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.peer.spec import PeerChannelSpec, PeerDirector
from hactl.config.load import load
from hactl.config.model import Config
from hactl.problems import acks, problems, standing
from hactl.problems.acks import EVERYTHING, MOST, SKEW, Acks, covering
from hactl.problems.problems import Problems
from hactl.problems.standing import ProblemKeeper
from hactl.processes.messages import Standing
from hactl.wishes.overrides import Admin, Wish
from hactl.wishes.scopes import Scope
from hactl.wishes.wishes import Wishes
from notify.event import Event, EventKind
from support.alerts import event
from support.pictures import example, full_picture

DOWN, UP = EventKind.SERVER_DOWN, EventKind.SERVER_UP


def at(seconds: float, kind: EventKind, subject: str = "rs1@www", **fields: Any) -> Event:
    """An event at this second."""
    return event(kind, subject, at=seconds, new=kind.value.partition(".")[2], **fields)


def listed(*events: Event) -> list[tuple[str, float]]:
    """Subjects and beginnings of what is wrong after these events."""
    known = Problems()
    for one in events:
        known.learn(one)
    return [(f"{one.topic.value} {one.subject}", one.since) for one in known]


def test_a_problem_begins_once_and_ends() -> None:
    """Said again, as after a restart, it is as old as it is; news about other things are none."""
    assert listed(at(1, DOWN), at(5, DOWN)) == [("server rs1@www", 1)]
    assert listed(at(1, DOWN), at(5, UP)) == []
    assert listed(at(1, DOWN), at(2, UP), at(3, DOWN)) == [("server rs1@www", 3)]
    assert listed(at(1, EventKind.CONFIG_REJECTED, "web"), at(2, EventKind.ROUTER_MASTER, "web")) == []


def test_what_becomes_worse_begins_anew() -> None:
    """So that who knew of the lesser hears of the greater; the lesser after it is the same problem."""
    degraded, down = EventKind.SERVICE_DEGRADED, EventKind.SERVICE_DOWN
    assert listed(at(1, degraded, "www"), at(5, down, "www")) == [("service www", 5)]
    assert listed(at(1, down, "www"), at(5, degraded, "www")) == [("service www", 1)]


def test_by_state() -> None:
    """A link and a panic say with their state whether they are wrong."""
    link, panic = EventKind.PEER_LINK, EventKind.SERVICE_PANIC
    both = (event(link, "lb2", new="down", at=1.0), event(panic, "www", new="panic", at=2.0))
    assert listed(*both) == [("link lb2", 1.0), ("panic www", 2.0)]
    assert listed(*both, event(link, "lb2", new="up"), event(panic, "www", new="over")) == []


def test_what_left_the_configuration_is_no_problem() -> None:
    """And the list comes back from its file as it was."""
    known = Problems()
    down = EventKind.TRACK_DOWN
    for one in (
        at(1, DOWN),
        at(2, DOWN, "old@www"),
        at(3, down, "interface eth1@web"),
        at(4, down, "interface eth7@web"),
    ):
        known.learn(one)
    assert known.keep(example())
    assert [one.subject for one in known] == ["rs1@www", "interface eth1@web"]
    assert not known.keep(example())
    assert list(problems.decode(problems.encode(known))) == list(known)
    with pytest.raises(ValueError, match="not a file of problems"):
        problems.decode(b"{}")


def test_nobody_hears_a_peer_without_a_channel() -> None:
    """What was wrong with a director is no problem any more when nobody could tell of its end."""
    config = example()
    channel = PeerChannelSpec(
        cluster="web", node="lb1", key_file="/etc/hactl/peer.key", peers=(PeerDirector(name="lb2", links=()),)
    )
    failover = msgspec.structs.replace(config.failover, channel=channel)
    known = Problems()
    known.learn(at(1, EventKind.PEER_DOWN, "lb2"))
    known.learn(event(EventKind.PEER_LINK, "lb2", new="down", at=1.0))
    assert not known.keep(msgspec.structs.replace(config, failover=failover))
    failover = msgspec.structs.replace(failover, channel=msgspec.structs.replace(channel, key_file=None))
    assert known.keep(msgspec.structs.replace(config, failover=failover))
    assert list(known) == []


def test_a_word_covers_what_it_names_and_had_begun() -> None:
    """A server in one service or in all, a service with its servers, everything; not what begins later."""
    for target in ("rs1@www", "rs1", "www", EVERYTHING):
        words = Acks().with_words([target], "alice", "", 10.0).by_target()
        assert covering(words, "rs1@www", 9.0) is not None, target
        assert covering(words, "rs1@www", 10.0 + SKEW) is not None, target
        assert covering(words, "rs1@www", 10.1 + SKEW) is None, target
    words = Acks().with_words(["rs1", "www"], "alice", "", 10.0).by_target()
    assert covering(words, "rs2@api", 1.0) is None
    assert covering(words, "www", 1.0) is not None


def test_a_word_can_be_taken_back() -> None:
    """The mark outlives what a peer that was away brings."""
    given_ = Acks().with_words(["rs1"], "alice", "", 10.0)
    taken = given_.with_words(["rs1"], "bob", "", 20.0, withdrawn=True)
    assert taken.by_target() == {}
    assert taken.merged(given_.records, given_.revision) == taken
    assert acks.decode(acks.encode(taken)) == taken


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=8), st.randoms())
def test_directors_agree_whatever_the_order(words: list[tuple[str, bool]], chance: Any) -> None:
    """Whoever took which word, and however they were exchanged."""
    sides = [Acks(), Acks()]
    for number, (target, withdrawn) in enumerate(words):
        side = chance.randrange(2)
        sides[side] = sides[side].with_words([target], "a", "", float(number), withdrawn=withdrawn)
        if chance.random() < 0.3:
            sides[1] = sides[1].merged(sides[0].records, sides[0].revision)
    first = sides[0].merged(sides[1].records, sides[1].revision)
    second = sides[1].merged(sides[0].records, sides[0].revision)
    assert first == second


def test_the_newest_are_kept() -> None:
    """The list is bounded, for it travels in one word."""
    many = Acks().with_words([f"rs{n}" for n in range(MOST)], "a", "", 1.0).with_words(["last"], "a", "", 2.0)
    assert len(many.records) == MOST
    assert "last" in many.by_target()


def test_status_shows_who_knows() -> None:
    """By the name of the problem, with the word."""
    from hactl.status.snapshot import snapshot

    shown = snapshot(full_picture())
    (one,) = shown["problems"].values()
    assert list(shown["problems"]) == ["server rs1@www"]
    assert one["acknowledged"] is not None
    assert (one["acknowledged"]["by"], one["acknowledged"]["reason"]) == ("alice", "known")
    assert shown["problem_counts"] == {"open": 1, "acknowledged": 1}


async def test_what_ended_without_a_daemon_is_forgotten(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is only said while it is wrong, and was not said again since the start; a server's word always comes."""
    log = Log()
    wishes = Wishes(Path(config.state_dir), log, lambda: None)
    known = Problems()
    for subject in ("rs1@www", "gone"):
        known.learn(at(1, DOWN, subject))
    for subject in ("www", "other"):
        known.learn(event(EventKind.SERVICE_PANIC, subject, new="panic", at=5.0))
    monkeypatch.setattr(standing, "CONFIRMED_WITHIN", 0.2)
    (Path(config.state_dir) / "problems.json").write_bytes(problems.encode(known))
    keeper = ProblemKeeper(config, wishes, lambda said: None, log)
    keeper.look()
    assert [one.topic for one in keeper.open] == ["server", "panic"]
    await asyncio.sleep(0.3)
    keeper.look()
    assert [one.topic for one in keeper.open] == ["server"]


async def test_nobody_is_reminded_of_a_server_that_was_taken_out(config: Config) -> None:
    """Whoever disabled it knows; once it is enabled again others must."""
    log, told = Log(), list[Standing]()
    wishes = Wishes(Path(config.state_dir), log, lambda: None)
    keeper = ProblemKeeper(config, wishes, told.append, log)
    keeper.learn(at(time.time(), DOWN))
    wish = Wish(scope=Scope("rs1"), admin=Admin.DISABLED)
    wishes.ask(servers=wishes.overrides.with_wish(wish, config.services, time.time()))
    assert keeper.message().acknowledged == (("server", "rs1@www"),)
    assert keeper.acknowledged() == {}
    wish = Wish(scope=Scope("rs1"), admin=Admin.ENABLED)
    wishes.ask(servers=wishes.overrides.with_wish(wish, config.services, time.time()))
    assert keeper.message().acknowledged == ()


class Log:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def warning(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """One director with one server, its state in a directory of the test."""
    file = tmp_path / "f.yaml"
    text = "cluster: web\ndirectors: {lb1: 10.77.0.11}\nservices: {www: {address: 10.77.0.100, port: 80, forward: dr,"
    file.write_text(f"{text} check: {{type: tcp}}, servers: {{rs1: 10.77.0.21}}}}}}\nstate_dir: {tmp_path}\n")
    loaded = load(str(file), "lb1").config
    assert loaded is not None
    return loaded


async def test_kept_over_a_restart_and_told_to_the_worker(config: Config) -> None:
    """With the beginning, so that an acknowledgement goes on covering it; a broken file is said and set aside."""
    log, told = Log(), list[Standing]()
    wishes = Wishes(Path(config.state_dir), log, lambda: None)
    keeper = ProblemKeeper(config, wishes, told.append, log)
    began = time.time() - 50.0
    keeper.learn(at(began, DOWN))
    keeper.look()
    keeper.look()
    assert told == [Standing((("server", "rs1@www"),), ())]
    wishes.ask(acks=wishes.acks.with_words(["rs1"], "alice", "", time.time()))
    keeper.changed()
    keeper.look()
    assert told[-1] == Standing((("server", "rs1@www"),), (("server", "rs1@www"),))
    while not (path := Path(config.state_dir) / "problems.json").exists() or keeper._saving is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await keeper._saving

    again = ProblemKeeper(config, Wishes(Path(config.state_dir), log, lambda: None), told.append, log)
    again.learn(at(time.time(), DOWN))
    assert list(again.acknowledged()) == [("server", "rs1@www")]
    assert log.said == []
    path.write_text("garbage")
    assert len(ProblemKeeper(config, wishes, told.append, log).open) == 0
    assert "not a file of problems" in log.said[0]
