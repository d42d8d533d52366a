"""The kernel's switches, in a folder that stands for /proc/sys/net/ipv4/vs."""

from pathlib import Path

from hactl.ipvs.switches import SwitchFault, SwitchSet, enforce


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
