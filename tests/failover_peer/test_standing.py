"""How a director stands: the words that are in the difference of two standings."""

from hypothesis import given
from hypothesis import strategies as st

from failover.moves import State
from failover.peer.actions import PeerMaster, Word, WordHeard
from failover.peer.packet import MAX_BODY
from failover.peer.standing import Standing, decode_standing, encode_standing, masters, news, words
from support.peers import view

SOURCE = "10.77.0.12"


def test_every_word_has_a_text() -> None:
    """For people."""
    assert all(word.text for word in Word)


def test_both_ways() -> None:
    """What was encoded is decoded."""
    told = Standing(True, (view(), view("inside", link_gone=True)))
    assert decode_standing(encode_standing(told)) == told


@given(data=st.binary(max_size=MAX_BODY))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Without an exception."""
    standing = decode_standing(data)
    assert standing is None or list(words(Standing(), standing)) is not None


def test_a_link_that_is_gone_outweighs_an_ending_daemon() -> None:
    """It allows more: to take over at once."""
    before, after = Standing(False, (view(),)), Standing(True, (view(link_gone=True),))
    assert list(words(before, after)) == [
        WordHeard(Word.ENDING, None),
        WordHeard(Word.LINK_GONE, "web", SOURCE),
    ]


def test_a_router_left_out_stands() -> None:
    """A reload removed it."""
    before, after = Standing(False, (view(link_gone=True),)), Standing()
    assert list(words(before, after)) == [WordHeard(Word.STANDING, "web", SOURCE)]


def test_changes_that_are_no_words_say_nothing() -> None:
    """Priorities and states come and go."""
    assert list(words(Standing(False, (view(),)), Standing(False, (view(priority=3),)))) == []


def test_a_master_says_so_when_it_becomes_and_ends() -> None:
    """With the priority and the source of its adverts, also of a router that is removed; priorities say nothing."""
    backup, master = Standing(False, (view(),)), Standing(False, (view(state=State.MASTER),))
    told = [PeerMaster("web", 100, SOURCE)]
    assert [list(masters(backup, master)), list(masters(master, backup))] == [told, told]
    assert list(masters(master, Standing())) == told
    assert list(masters(master, Standing(False, (view(state=State.MASTER, priority=9),)))) == []
    assert list(news(backup, Standing(True, (view(state=State.MASTER),)))) == [
        WordHeard(Word.ENDING, None),
        WordHeard(Word.ENDING, "web", SOURCE),
        *told,
    ]
