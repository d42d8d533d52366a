"""What a reload changes, refuses and puts off."""

import msgspec
import pytest

from hactl.config.model import Config, ControlSpec, HealthSettings
from hactl.plan import reload
from support.config import MINIMAL, config_of

OLD = config_of()


def test_same_file_changes_nothing() -> None:
    """Two loads of the same text differ in nothing."""
    assert reload.changes(OLD, config_of()) == ()
    assert reload.refusal(OLD, config_of(), force=False) is None
    assert reload.later(OLD, config_of()) == ()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("vrid: 51", "vrid: 52", "failover.routers.web.vrid: 51 -> 52"),
        ("rs1: 10.99.0.11", "rs9: 10.99.0.11", "services.www.servers.rs1: removed"),
        ("port: 80", "port: 80\n    scheduler: rr", "services.www.scheduler: wlc -> rr"),
    ],
    ids=["vrid", "server", "scheduler"],
)
def test_changes_are_named(old: str, new: str, line: str) -> None:
    """Each difference is a line with its path, before and after."""
    assert line in reload.changes(OLD, config_of(MINIMAL.replace(old, new)))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (msgspec.structs.replace(OLD, cluster="other"), "cluster"),
        (msgspec.structs.replace(OLD, node="lb2"), "the director's name"),
        (msgspec.structs.replace(OLD, state_dir="/elsewhere"), "state_dir"),
        (msgspec.structs.replace(OLD, control=ControlSpec(socket="/elsewhere")), "control.socket"),
    ],
    ids=["cluster", "node", "state_dir", "socket"],
)
def test_fixed_things_are_refused_by_name(changed: Config, named: str) -> None:
    """What cannot change while running is refused, also when forced."""
    for force in (False, True):
        assert (
            reload.refusal(OLD, changed, force=force)
            == f"{named} cannot change while running; restart the daemon"
        )


@pytest.mark.parametrize(("gone", "refused"), [(1, False), (2, True), (3, True)])
def test_more_than_half_of_the_servers(gone: int, refused: bool) -> None:
    """Taking away more than half of all servers needs force."""
    text = MINIMAL
    for number in range(1, gone + 1):
        text = text.replace(f"rs{number}: 10.99.0.1{number}, ", "").replace(
            f"rs{number}: 10.99.0.1{number}", ""
        )
    new = config_of(text) if gone < 3 else msgspec.structs.replace(OLD, services=())
    found = reload.refusal(OLD, new, force=False)
    assert (found == f"it would remove {gone} of 3 servers; --force if that is meant") is refused
    assert reload.refusal(OLD, new, force=True) is None


def test_later() -> None:
    """What the next start takes on only is named."""
    new = msgspec.structs.replace(OLD, health=HealthSettings(workers=3, user="hactl"))
    assert reload.later(OLD, new) == (
        "health.user takes effect when the daemon is started again",
        "health.workers takes effect when the daemon is started again",
    )


def test_the_first_mark_needs_a_restart() -> None:
    """Marking packets needs a right that workers have only when a file asked for it at their start."""
    marked = config_of(MINIMAL.replace("{type: tcp}", "{type: tcp, mark: 7}"))
    other = config_of(MINIMAL.replace("{type: tcp}", "{type: tcp, mark: 8}"))
    assert "restart the daemon" in (reload.refusal(OLD, marked, force=True) or "")
    assert reload.refusal(marked, other, force=False) is None
    assert reload.refusal(marked, OLD, force=False) is None
