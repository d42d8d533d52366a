"""Overrides: which one counts, when one ends, what is refused, and how they are kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hactl.ipvs.spec import Forward, ServerSpec, ServiceSpec
from hactl.wishes.overrides import Admin, Override, Overrides, Wish, decode, encode
from hactl.wishes.scopes import OverrideError, Scope, affected, matching

NOW = 1000.0


def service(name: str, *servers: str, scheduler: str = "wlc") -> ServiceSpec:
    """A service with servers of these names."""
    specs = tuple(ServerSpec(name=s, address="10.77.0.21", port=80, forward=Forward.DR) for s in servers)
    return ServiceSpec(name=name, forward=Forward.DR, scheduler=scheduler, servers=specs)


SERVICES = (service("www", "rs1", "rs2"), service("shell", "rs1"), service("cache", "rs3", scheduler="dh"))


def wish(scope: str, **wanted: Any) -> Wish:
    """What an operator typed for SERVER or SERVER@SERVICE."""
    server, _, of_service = scope.partition("@")
    return Wish(scope=Scope(server, of_service or None), **wanted)


def after(*wishes: Wish, now: float = NOW) -> Overrides:
    """The overrides after these wishes in turn."""
    overrides = Overrides()
    for one in wishes:
        overrides = overrides.with_wish(one, SERVICES, now)
    return overrides


DRAIN = {"admin": Admin.DRAIN}
DISABLE = {"admin": Admin.DISABLED}
ENABLE = {"admin": Admin.ENABLED}


def test_nothing_said() -> None:
    """Without an override a server is enabled with its configured weight."""
    assert Overrides().effective("www", "rs1") == (Admin.ENABLED, None)


@pytest.mark.parametrize(
    ("wishes", "www", "shell"),
    [
        ([wish("rs1", **DRAIN)], (Admin.DRAIN, None), (Admin.DRAIN, None)),
        ([wish("rs1@www", **DRAIN)], (Admin.DRAIN, None), (Admin.ENABLED, None)),
        ([wish("rs1@www", **DISABLE), wish("rs1", **DRAIN)], (Admin.DISABLED, None), (Admin.DRAIN, None)),
        ([wish("rs1", **DRAIN), wish("rs1", **DISABLE)], (Admin.DISABLED, None), (Admin.DISABLED, None)),
        ([wish("rs1", weight=5), wish("rs1", **DRAIN)], (Admin.DRAIN, 5), (Admin.DRAIN, 5)),
        ([wish("rs1", weight=5), wish("rs1@www", weight=7)], (Admin.ENABLED, 7), (Admin.ENABLED, 5)),
        ([wish("rs1@www", **DRAIN), wish("rs1", **ENABLE)], (Admin.ENABLED, None), (Admin.ENABLED, None)),
        ([wish("rs1", **DRAIN), wish("rs1@www", **ENABLE)], (Admin.ENABLED, None), (Admin.DRAIN, None)),
        ([wish("rs1", weight=5), wish("rs1@www", **ENABLE)], (Admin.ENABLED, None), (Admin.ENABLED, 5)),
        (
            [wish("rs1", **DRAIN), wish("rs1@www", **ENABLE), wish("rs1", **DISABLE)],
            (Admin.DISABLED, None),
            (Admin.DISABLED, None),
        ),
    ],
)
def test_which_one_counts(
    wishes: list[Wish], www: tuple[Admin, int | None], shell: tuple[Admin, int | None]
) -> None:
    """The narrow scope wins, then the later word; enable ends all that was said before it in its scope."""
    overrides = after(*wishes)
    assert overrides.effective("www", "rs1") == www
    assert overrides.effective("shell", "rs1") == shell


def test_enable_leaves_nothing_in_force() -> None:
    """After enable of a server no override of it is listed."""
    overrides = after(wish("rs1", **DRAIN), wish("rs1@www", weight=3), wish("rs1", **ENABLE))
    assert overrides.in_force() == ()


def test_a_record_keeps_who_when_and_why() -> None:
    """What status and history show of an override is all in it."""
    (record,) = after(wish("rs1", **DRAIN, until=NOW + 60, reason="new disk", by="alice")).in_force()
    assert record == Override(
        server="rs1", admin=Admin.DRAIN, until=NOW + 60, reason="new disk", by="alice", at=NOW, revision=1
    )


def test_deadline() -> None:
    """An override ends at its deadline, and what stands behind it counts again."""
    overrides = after(wish("rs1", **DISABLE), wish("rs1@www", **DRAIN, until=NOW + 60))
    assert overrides.expired(NOW + 59) == ()
    assert [record.service for record in overrides.expired(NOW + 60)] == ["www"]
    later = overrides.without_expired(NOW + 60)
    assert later.effective("www", "rs1") == (Admin.DISABLED, None)


def test_revisions_never_come_back() -> None:
    """A new override is later than one that has expired."""
    overrides = after(wish("rs1", **DRAIN, until=NOW + 1)).without_expired(NOW + 2)
    assert overrides.with_wish(wish("rs1", weight=2), SERVICES, NOW + 2).in_force()[0].revision == 2


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (wish("rs11", **DRAIN), "there is no server 'rs11' in any service; did you mean 'rs1'"),
        (wish("rs2@shell", **DRAIN), "there is no server 'rs2' in service 'shell'; did you mean 'rs1'"),
        (wish("rs1@ww", **DRAIN), "there is no service 'ww'; did you mean 'www'"),
        (wish("rs9@www", **ENABLE), "there is no server 'rs9'"),
        (wish("rs3", **DRAIN), "rs3@cache cannot be drained: scheduler dh"),
        (wish("rs3@cache", weight=0), "scheduler dh"),
        (wish("rs1", weight=65536), "from 0 to 65535"),
        (wish("rs1", weight=-1), "from 0 to 65535"),
        (wish("rs1"), "either a state or a weight"),
        (wish("rs1", weight=1, **DRAIN), "either a state or a weight"),
        (wish("rs1", **DRAIN, until=NOW), "already passed"),
        (wish("rs1", **ENABLE, until=NOW + 1), "takes no deadline"),
        (wish("rs1", **DRAIN, reason="a\x1b[2J"), "printable"),
        (wish("rs1", **DRAIN, reason="x" * 201), "at most 200"),
    ],
)
def test_refused(refused: Wish, sentence: str) -> None:
    """Each wish that cannot be is refused with a sentence that says why."""
    with pytest.raises(OverrideError) as caught:
        after(refused)
    assert sentence in str(caught.value)


def test_dh_may_disable_and_weigh() -> None:
    """Under dh only weight 0 is harmful."""
    overrides = after(wish("rs3", **DISABLE), wish("rs3", weight=4))
    assert overrides.effective("cache", "rs3") == (Admin.DISABLED, 4)


def test_a_forgotten_server_can_be_enabled() -> None:
    """An override of a server that a reload took out of the file can still be ended."""
    overrides = after(wish("rs2", **DRAIN))
    assert overrides.with_wish(wish("rs2", **ENABLE), SERVICES[1:], NOW).in_force() == ()


def test_affected() -> None:
    """A server alone means each service that has it."""
    assert affected(Scope("rs1"), SERVICES) == (Scope("rs1", "www"), Scope("rs1", "shell"))
    assert affected(Scope("rs1", "shell"), SERVICES) == (Scope("rs1", "shell"),)
    assert matching(Scope("rs1", "shell"), SERVICES) == (Scope("rs1", "shell"),)
    assert matching(Scope("rs2", "shell"), SERVICES) == ()


def test_kept_and_read_again() -> None:
    """What is written to the state directory is read back the same."""
    overrides = after(wish("rs1", **DRAIN, until=NOW + 60, reason="ä"), wish("rs1@www", **ENABLE))
    assert decode(encode(overrides)) == overrides


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff", b"null"])
def test_a_broken_file_says_so(data: bytes) -> None:
    """A file that was cut short or spoiled is a ValueError, not a crash."""
    with pytest.raises(ValueError, match="not a file of overrides"):
        decode(data)


def test_a_file_of_another_schema_says_so() -> None:
    """A file of a newer version is not misread."""
    with pytest.raises(ValueError, match="schema 2"):
        decode(b'{"schema": 2, "revision": 1, "overrides": []}')


WISHES = st.builds(
    lambda scope, wanted: wish(scope, **wanted),
    st.sampled_from(["rs1", "rs1@www", "rs1@shell", "rs2", "rs2@www"]),
    st.sampled_from([DRAIN, DISABLE, ENABLE, {"weight": 3}, {"weight": 7}]),
)


@given(st.lists(WISHES, max_size=12))
def test_enable_always_ends_everything(wishes: list[Wish]) -> None:
    """Whatever was said before, `enable SERVER` makes it as configured in every service."""
    overrides = after(*wishes, wish("rs1", **ENABLE))
    assert overrides.effective("www", "rs1") == (Admin.ENABLED, None)
    assert overrides.effective("shell", "rs1") == (Admin.ENABLED, None)
    assert all(record.server != "rs1" for record in overrides.in_force())


@given(st.lists(WISHES, max_size=12), WISHES)
def test_the_last_word_counts_in_its_scope(wishes: list[Wish], last: Wish) -> None:
    """What was said last of one server of one service is what counts there."""
    last = wish(f"{last.scope.server}@www", admin=last.admin, weight=last.weight)
    admin, weight = after(*wishes, last).effective("www", last.scope.server)
    assert (admin == last.admin) if last.admin is not None else (weight == last.weight)


@given(st.lists(WISHES, max_size=30))
def test_few_records_are_kept(wishes: list[Wish]) -> None:
    """A scope keeps at most a state, a weight and a mark, however often it is changed."""
    assert len(after(*wishes).records) <= 3 * 5
