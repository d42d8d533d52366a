"""What each router's adverts are protected with, over reloads, and what status says of the clock."""

import pytest

from failover.guards import Guards
from failover.spec import Authentication
from support.failover import router_spec
from support.moments import at

FILE = "/etc/hactl/vrrp.keys"
SIGNED = router_spec(authentication=Authentication.HMAC, authentication_file=FILE)
PLAIN = router_spec(name="plain", vrid=52)
OLD, NEW = "1 " + "o" * 32, "2 " + "n" * 32


def test_a_reload_forgets_nothing_that_was_sent_or_taken() -> None:
    """Another key file, the same seals: a replay across the reload is one still."""
    guards = Guards()
    assert guards.take((SIGNED, PLAIN), {FILE: OLD}, at(0.0)) == []
    before = guards.of(SIGNED).seals
    assert before is not None
    assert guards.take((SIGNED, PLAIN), {FILE: f"{NEW}\n{OLD}"}, at(1.0)) == []
    assert guards.of(SIGNED).seals is before
    assert before.keys.sending.id == 2
    assert guards.of(PLAIN).seals is None


def test_a_file_that_cannot_be_used_is_a_fault_of_its_router() -> None:
    """In words, and the router looks anew when it is mended."""
    guards = Guards()
    assert guards.take((SIGNED, PLAIN), {}, at(0.0)) == ["web"]
    assert guards.unusable == {"web": f"key file {FILE} cannot be read"}
    assert guards.take((SIGNED, PLAIN), {FILE: OLD}, at(1.0)) == ["web"]
    assert guards.unusable == {}


@pytest.mark.parametrize(("step", "words"), [(-3600.0, "3600 s ahead of"), (90.0, "90 s behind")])
def test_a_clock_that_was_set(step: float, words: str) -> None:
    """An alarm once where something is signed, and said in status as long as the time sent is another."""
    guards = Guards()
    guards.take((PLAIN,), {}, at(0.0))
    assert guards.look(at(1.0, step)) == "", "nothing is signed: nobody minds"
    guards = Guards()
    guards.take((SIGNED, PLAIN), {FILE: OLD}, at(0.0))
    assert guards.text(SIGNED, at(0.5)) == ""
    assert "was set" in guards.look(at(1.0, step))
    assert guards.look(at(2.0, step)) == ""
    assert guards.text(SIGNED, at(2.0, step)) == f"signed adverts carry a time {words} this host's clock"
    assert guards.text(PLAIN, at(2.0, step)) == ""
