"""Witnesses as status, the screen and the metrics show them."""

import pytest

from hactl.cli.status_view import screen
from hactl.control.page.metrics import exposition
from hactl.status.snapshot import snapshot
from hactl.witness.gathering import Gathering
from hactl.witness.lease import Lease, Reply
from hactl.witness.spec import ArbiterSpec, SeenSpec, WitnessesSpec
from hactl.witness.view import WitnessesView, unseen, warnings
from health.probe_spec import PingProbe
from health.result import Health, Outcome, Reason, Result
from health.spec import CheckSpec
from support.pictures import full_picture

PING = CheckSpec(address="10.77.0.1", port=0, probe=PingProbe())
ETCD = ArbiterSpec(endpoints=("http://10.77.0.5:2379",), ttl=9, prefix="hactl")
SPEC = WitnessesSpec(
    need=2,
    patience=5.0,
    seen=(SeenSpec(name="ping 10.77.0.1", check=PING),),
    arbiter=ETCD,
    keys={"web": "k"},
    holder="lb1",
)


def heard(gathering: Gathering, reason: Reason, at: float) -> None:
    """The ping ended like this."""
    gathering.learn([Outcome(check=PING.id, health=Health.UP, result=Result(reason=reason), at=at)], at, 0.0)


def lease_of(holder: str, at: float) -> Lease:
    """A session in which somebody has the key."""
    lease = Lease("lb1 boot", 9)
    for reply in (Reply(lease=5, ttl=9), Reply(holder=holder)):
        lease.claim = 1
        question = lease.ask(at)
        assert question is not None
        lease.answered(question, reply, at, at)
    return lease


def test_what_is_seen_and_who_has_the_lease() -> None:
    """Each target by its name, and why one is not seen."""
    gathering = Gathering(SPEC, 100.0)
    heard(gathering, Reason.OK, 101.0)
    shown = gathering.view(102.0, {"k": lease_of("lb2 boot", 101.0)})
    assert shown["need"] == 2
    assert shown["holders"] == {"web": "lb2"}
    assert unseen(shown) == []
    heard(gathering, Reason.CONNECT_TIMEOUT, 107.0)
    lease = lease_of("lb2 boot", 101.0)
    lease.trouble = "no answer"
    shown = gathering.view(107.0, {"k": lease})
    assert unseen(shown) == [f"ping 10.77.0.1 ({Reason.CONNECT_TIMEOUT.text})", f"{ETCD.name} (no answer)"]


def shown(need: int, *seen: bool) -> WitnessesView:
    """Witnesses named by number."""
    return {"need": need, "targets": {f"w{n}": {"seen": one, "reason": ""} for n, one in enumerate(seen)}}


@pytest.mark.parametrize(
    ("witnesses", "said"),
    [
        (None, []),
        (shown(1, True, True), []),
        (shown(1, True, True, False), ["not seen: witness w2; 1 more may go"]),
        (
            shown(2, True, True, False),
            ["not seen: witness w2; with the next one gone this director may not be master"],
        ),
        (shown(2, True, False, False), []),
    ],
)
def test_warning_before_it_hurts(witnesses: WitnessesView | None, said: list[str]) -> None:
    """One that is gone is said while enough are left; then the routers say it, being in fault."""
    assert warnings(witnesses) == said


def test_on_screen_and_in_metrics() -> None:
    """A line a witness, one a lease; a series a witness."""
    status = snapshot(full_picture())
    lines = [line.split() for line in screen(status, 1.8e9).splitlines()]
    assert ["WITNESS", "STATE", "REASON", "(1", "needed)"] in lines
    assert ["ping", "10.77.0.1", "up"] in lines
    assert ["etcd", "http://10.77.0.5:2379", "down", "no", "answer"] in lines
    assert ["lease", "of", "web", "lb1"] in lines
    told = exposition(status).decode()
    assert 'hactl_witness_seen{witness="etcd http://10.77.0.5:2379"} 0.0' in told
    assert "hactl_witnesses_needed 1.0" in told
