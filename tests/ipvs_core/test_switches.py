"""The kernel's switches, in a folder that stands for /proc/sys/net/ipv4/vs."""

import contextlib
from pathlib import Path

from hactl.ipvs.switches import SwitchFault, SwitchSet, enforce, held


def test_a_switch_is_set_once(tmp_path: Path) -> None:
    """Written where it differs, left alone afterwards; blanks and tabs are the same."""
    (tmp_path / "sync_threshold").write_text("3\t50\n")
    assert enforce("sync_threshold", "3 50", tmp_path) is None
    assert enforce("sync_threshold", "5 60", tmp_path) == SwitchSet("sync_threshold", "3 50", "5 60")
    assert enforce("sync_threshold", "5 60", tmp_path) is None


def test_a_switch_that_is_not_there(tmp_path: Path) -> None:
    """An older kernel is told from a refused value."""
    assert enforce("run_estimation", "0", tmp_path) == SwitchFault(
        "run_estimation", "this kernel's IPVS has no switch run_estimation"
    )
    (tmp_path / "conntrack").mkdir()
    fault = enforce("conntrack", "1", tmp_path)
    assert isinstance(fault, SwitchFault)
    assert "cannot be set to 1" in fault.text


def test_a_switch_is_held_for_a_while(tmp_path: Path) -> None:
    """Another value meanwhile, then the former one, whatever happened; one that is not there is no matter."""
    switch = tmp_path / "expire_nodest_conn"
    switch.write_text("1\n")
    with contextlib.suppress(LookupError), held("expire_nodest_conn", "0", tmp_path):
        assert switch.read_text() == "0"
        raise LookupError
    assert switch.read_text() == "1"
    with held("none", "0", tmp_path):
        assert not (tmp_path / "none").exists()
