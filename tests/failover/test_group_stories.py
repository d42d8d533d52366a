"""Groups on several directors, in memory: they move together and come to rest whatever they differ in."""

import itertools

import pytest

from failover import handing
from failover.moves import Cause, State
from support.groups import GroupCluster

ROUTERS = ("web", "inside")


def pair(
    web: tuple[int, int] = (150, 100),
    inside: tuple[int, int] = (150, 100),
    first: dict[str, str] | None = None,
) -> GroupCluster:
    """Directors a and b with these priorities; `first` has each network's lowest address."""
    both = {"web": dict(zip("ab", web, strict=True)), "inside": dict(zip("ab", inside, strict=True))}
    cluster = GroupCluster(both, first)
    cluster.start("a")
    cluster.start("b")
    return cluster


def all_on(cluster: GroupCluster, name: str) -> bool:
    """Whether this director alone is master of all routers and holds every VIP."""
    want = {router: [name] for router in cluster.clusters}
    return cluster.masters() == want and cluster.held() == want


def test_the_better_director_has_the_group() -> None:
    """From the beginning, in one move each."""
    cluster = pair()
    cluster.run(3.0)
    assert all_on(cluster, "a")
    assert len([line for line in cluster.moves() if "backup -> master" in line]) == 2


def test_a_fault_of_one_moves_all_and_mended_all_come_back() -> None:
    """The others release, and their VIPs stay until the successor was heard."""
    cluster = pair()
    cluster.run(2.0)
    cluster.act("a", "inside", lambda e, now: e.set_fault("interface eth1 is down", now))
    cluster.run(3.0)
    assert all_on(cluster, "b")
    assert cluster.election("a", "web").router.cause is Cause.GROUP_YIELDED
    cluster.act("a", "inside", lambda e, now: e.set_fault(None, now))
    cluster.run(3.0)
    assert all_on(cluster, "a")


@pytest.mark.parametrize("first", ["a", "b"])
@pytest.mark.parametrize(
    ("web", "inside"),
    [((150, 100), (100, 150)), ((100, 150), (150, 100)), ((100, 100), (100, 100)), ((100, 100), (150, 100))],
)
def test_directors_that_differ_come_to_rest(
    web: tuple[int, int], inside: tuple[int, int], first: str
) -> None:
    """Each would win another router, by priority or by the address: the group's first router decides, and it stays so."""
    cluster = pair(web, inside, {"web": first, "inside": "b" if first == "a" else "a"})
    cluster.run(10.0)
    winner = "a" if web[0] > web[1] or (web[0] == web[1] and first == "b") else "b"
    assert all_on(cluster, winner), "\n".join(cluster.story)
    moves = len(cluster.moves())
    cluster.run(20.0)
    assert len(cluster.moves()) == moves, "\n".join(cluster.moves()[moves:])


def test_a_weight_on_one_router_moves_the_group() -> None:
    """Tracking that lowers one router's priority lowers all of them; back again, all come back."""
    cluster = pair()
    cluster.run(2.0)
    cluster.act("a", "inside", lambda e, now: e.set_priority(90, now))
    cluster.run(3.0)
    assert all_on(cluster, "b"), "\n".join(cluster.story)
    assert {cluster.election("a", router).router.priority for router in ROUTERS} == {90}
    cluster.act("a", "inside", lambda e, now: e.set_priority(150, now))
    cluster.run(3.0)
    assert all_on(cluster, "a")
    assert {cluster.election("a", router).router.priority for router in ROUTERS} == {150}


def test_the_worst_of_several_weights_counts() -> None:
    """Not their sum: two routers that track the same thing lose it once."""
    cluster = pair()
    cluster.run(2.0)
    for router, priority in (("web", 130), ("inside", 110)):
        cluster.act("a", router, lambda e, now, p=priority: e.set_priority(p, now))  # type: ignore[misc]
    cluster.run(1.0)
    assert {cluster.election("a", router).router.priority for router in ROUTERS} == {110}
    assert all_on(cluster, "a")


@pytest.mark.parametrize("order", list(itertools.permutations("ab")))
def test_a_router_added_at_reload_moves_nothing(order: tuple[str, ...]) -> None:
    """First on the master or first on the backup: the group stays where it is and the new router joins it, at either end of
    the group."""
    for present, added in (("web", "inside"), ("inside", "web")):
        cluster = GroupCluster({router: {"a": 150, "b": 100} for router in ROUTERS})
        cluster.start("a", present)
        cluster.start("b", present)
        cluster.run(2.0)
        before = cluster.moves()
        for name in order:
            cluster.add(name, added)
            cluster.run(1.5)
        cluster.run(2.0)
        assert all_on(cluster, "a"), "\n".join(cluster.story)
        assert [line for line in cluster.moves()[len(before) :] if f"{present}:" in line] == []


def test_a_router_added_that_somebody_else_holds_is_not_waited_for_for_ever() -> None:
    """The group cannot have it, so it lets go of the rest."""
    cluster = GroupCluster({router: {"a": 100, "b": 150} for router in ROUTERS})
    cluster.start("a", "web")
    cluster.start("b", "inside")
    cluster.run(2.0)
    cluster.add("a", "inside")
    cluster.run(3.0)
    assert cluster.states("a") == {"web": State.MASTER, "inside": State.BACKUP} or cluster.states("a") == {
        "web": State.BACKUP,
        "inside": State.BACKUP,
    }
    assert cluster.election("a", "web").router.cause is Cause.GROUP_YIELDED
    assert cluster.held()["web"], "nobody else is there: it is kept"


def test_a_group_is_handed_over_by_name() -> None:
    """Asked for one after the other, taken together."""
    cluster = pair()
    cluster.run(2.0)
    for router in ROUTERS:
        cluster.clusters[router].hand_over("a", "b")
        cluster.run(0.02)
    cluster.run(2.0)
    assert all_on(cluster, "b")
    assert {cluster.election("b", router).router.cause for router in ROUTERS} == {Cause.ASKED}


def test_a_group_of_which_only_one_is_asked_is_not_torn() -> None:
    """The other ask is lost: the taker waits, takes nothing, and forgets it."""
    cluster = pair()
    cluster.run(2.0)
    cluster.act("b", "web", lambda e, now: handing.asked(e.router, now))
    cluster.run(0.5)
    assert all_on(cluster, "a")
    cluster.act("b", "web", lambda e, now: handing.unasked(e.router, now))
    cluster.run(3.0)
    assert all_on(cluster, "a")


def test_a_killed_director_is_followed_by_the_whole_group() -> None:
    """And it comes back whole."""
    cluster = pair()
    cluster.run(2.0)
    cluster.crash("a")
    cluster.run(4.0)
    assert all_on(cluster, "b")
    cluster.start("a")
    cluster.run(3.0)
    assert all_on(cluster, "a")
