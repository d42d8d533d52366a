"""The panic threshold: servers that fall together stay in the table, one that falls alone leaves it."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from hactl.events import of_change
from hactl.ipvs import policy
from hactl.ipvs.inherit import adopt
from hactl.ipvs.spec import PanicSpec, ServiceSpec
from hactl.ipvs.update import due, update
from hactl.services.state import Availability, PanicChange, Quorum, Services, State, Update, index
from hactl.wishes.overrides import Admin
from health.result import Health, Outcome, Reason, Result
from notify.event import EventKind, Severity
from support.ipvs_build import service_spec, wishes

UP, DOWN, UNKNOWN = Health.UP, Health.DOWN, Health.UNKNOWN
NOBODY = wishes({})
NAMES = ("rs1", "rs2", "rs3", "rs4")


class Cluster:
    """A service of four servers with a panic threshold of half, a window of 6 s and a hold of 30 s."""

    def __init__(self, **more: object) -> None:
        settings: dict[str, object] = {
            "count": 4,
            "panic": PanicSpec(share=0.5, at_least=4, hold=30.0, window=6.0),
        }
        self.spec: ServiceSpec = service_spec(**{**settings, **more})  # type: ignore[arg-type]
        self.services: Services = index([self.spec])
        self.state: State = adopt(self.services, {}, 0.0)
        self.outcomes: dict[str, Outcome] = {}
        self.said = NOBODY
        self.changes: list[object] = []

    def see(
        self, now: float, health: Health, *names: str, since: float = 0.0, result: bool | None = None
    ) -> None:
        """Results of these servers' checks at this time; `since` is when the failures began."""
        passed = health is UP if result is None else result
        for name in names:
            reason = Reason.OK if passed else Reason.CONNECT_TIMEOUT
            self.outcomes[f"{name}-page"] = Outcome(
                check=f"{name}-page", health=health, result=Result(reason=reason), at=now, since=since
            )
        self.step(now)

    def step(self, now: float) -> Update:
        """Nothing but time has passed."""
        done = update(self.state, self.services, self.outcomes, self.said, now)
        self.state = done.state
        self.changes += done.changes
        return done

    @property
    def table(self) -> set[str]:
        """The servers that get connections."""
        held = policy.entry(self.spec, self.state.services["www"]).servers
        return {f"rs{int(at.address[-2:]) - 20}" for at, server in held.items() if server.weight}

    @property
    def panics(self) -> list[PanicChange]:
        """What was told of panic."""
        return [change for change in self.changes if isinstance(change, PanicChange)]


def running() -> Cluster:
    """All servers up since second 1."""
    cluster = Cluster()
    cluster.see(1, UP, *NAMES)
    return cluster


def test_none_leaves_when_all_fall_one_after_the_other() -> None:
    """Our own uplink is cut: the first that fall wait for the others, then all stay for the hold, with one alarm."""
    cluster = running()
    for now, name in ((11.0, "rs1"), (11.6, "rs2"), (12.5, "rs3"), (13.9, "rs4")):
        cluster.see(now, DOWN, name, since=now - 1)
        assert cluster.table == set(NAMES)
    (alarm,) = cluster.panics
    assert (alarm.began, "rs1, rs2, rs3" in alarm.reason) == (True, True)
    event = of_change(alarm)
    assert (event.kind, event.severity, event.subject) == (EventKind.SERVICE_PANIC, Severity.CRITICAL, "www")
    www = cluster.state.services["www"]
    assert (www.quorum, www.availability) == (Quorum.LOST, Availability.DOWN)
    assert www.reason.endswith("panic: failing servers stay in the table")
    assert {server.health for server in www.servers.values()} == {DOWN}
    assert due(www, cluster.spec) == 42.5
    cluster.step(42.4)
    assert cluster.table == set(NAMES)
    cluster.step(42.5)
    assert cluster.table == set()
    assert [change.began for change in cluster.panics] == [True, False]
    assert of_change(cluster.panics[1]).severity is Severity.INFO


def test_one_that_falls_alone_leaves_as_soon_as_the_others_are_seen_passing() -> None:
    """Two of four that passed after its failures began are enough: no more than half can be failing."""
    cluster = running()
    cluster.see(9.9, UP, "rs2", "rs3", "rs4")
    cluster.see(11.0, DOWN, "rs1", since=10.0)
    assert "rs1" in cluster.table
    cluster.see(11.0, UP, "rs2")
    assert "rs1" in cluster.table
    cluster.see(11.1, UP, "rs3")
    assert cluster.table == {"rs2", "rs3", "rs4"}
    assert cluster.panics == []


def test_one_that_falls_alone_leaves_at_once_when_the_others_passed_meanwhile() -> None:
    """Results newer than the first failure were there already: no delay at all."""
    cluster = running()
    cluster.see(10.5, UP, "rs2", "rs4")
    cluster.see(11.0, DOWN, "rs1", since=10.0)
    assert cluster.table == {"rs2", "rs3", "rs4"}


def test_the_wait_ends_with_the_window() -> None:
    """Without any news of the others a server waits no longer than fall x interval."""
    cluster = running()
    cluster.see(11.0, DOWN, "rs1", since=10.0)
    assert due(cluster.state.services["www"], cluster.spec) == 17.0
    cluster.step(17.0)
    assert cluster.table == {"rs2", "rs3", "rs4"}


def test_a_failing_result_proves_nothing() -> None:
    """A server that is up by verdict and fails at this moment is not seen passing."""
    cluster = running()
    cluster.see(11.0, DOWN, "rs1", since=10.0)
    cluster.see(11.5, UP, "rs2", "rs3", "rs4", result=False)
    assert "rs1" in cluster.table


def test_half_is_not_more_than_half() -> None:
    """Two of four fall together while the others pass: both leave."""
    cluster = running()
    cluster.see(11.0, DOWN, "rs1", "rs2", since=10.0)
    cluster.see(11.2, UP, "rs3", "rs4")
    assert (cluster.table, cluster.panics) == ({"rs3", "rs4"}, [])


def test_few_servers_have_no_panic() -> None:
    """Below at_least, counted by those that served, everything goes as without."""
    cluster = Cluster(count=3)
    cluster.see(1, UP, "rs1", "rs2", "rs3")
    cluster.see(11.0, DOWN, "rs1", "rs2", "rs3", since=10.0)
    assert (cluster.table, cluster.panics) == (set(), [])


def test_those_that_return_serve_on() -> None:
    """The link is back within the hold: nobody ever left, and the end is told as no alarm."""
    cluster = running()
    cluster.see(11.0, DOWN, *NAMES, since=10.0)
    cluster.see(20.0, UP, *NAMES)
    assert cluster.table == set(NAMES)
    assert [change.began for change in cluster.panics] == [True, False]
    assert cluster.state.services["www"].availability is Availability.UP


def test_a_disabled_server_leaves_in_a_panic_too() -> None:
    """What an operator says holds at once."""
    cluster = running()
    cluster.see(11.0, DOWN, *NAMES, since=10.0)
    cluster.said = wishes({"rs2": (Admin.DISABLED, None)})
    cluster.step(12.0)
    assert cluster.table == {"rs1", "rs3", "rs4"}


steps = st.lists(
    st.tuples(
        st.floats(0.05, 8.0),
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from([UP, DOWN, UNKNOWN]), max_size=4),
    ),
    max_size=40,
)


@given(steps)
def test_verdicts_are_the_true_ones_and_nobody_stays_for_ever(
    given_steps: list[tuple[float, Mapping[str, Health]]],
) -> None:
    """Beside a twin without the threshold: the same healths and availability, never fewer servers, and no one for ever."""
    cluster, twin = Cluster(), Cluster(panic=None)
    now = 1.0
    down_since: dict[str, float] = {}
    for pause, seen in given_steps:
        now += pause
        for name, health in seen.items():
            for one in (cluster, twin):
                one.see(now, health, name, since=now - 0.5 if health is DOWN else 0.0)
            if health is not DOWN:
                down_since.pop(name, None)
            else:
                down_since.setdefault(name, now)
        before = cluster.state.services["www"]
        for one in (cluster, twin):
            one.step(now)
        www, plain = cluster.state.services["www"], twin.state.services["www"]
        assert (www.quorum, www.availability) == (plain.quorum, plain.availability)
        assert {n: s.health for n, s in www.servers.items()} == {
            n: s.health for n, s in plain.servers.items()
        }
        assert cluster.table >= twin.table
        if before.panic_until is not None and now < before.panic_until and www.panic_until is not None:
            assert www.panic_until == before.panic_until
        for name in cluster.table - twin.table:
            assert now - down_since.get(name, now) < 6.0 + 30.0
