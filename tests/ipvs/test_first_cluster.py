"""The pages on a first cluster, walked block by block on fresh hosts: each ends with a pair that serves."""

from pathlib import Path

import pytest

from support.walk import ROOT, Cables, hosts, walk

pytestmark = pytest.mark.timeout(300)
DIRECTORS = {"lb1": {"eth0": ("lan", "10.77.0.11")}, "lb2": {"eth0": ("lan", "10.77.0.12")}}
CLIENT = {"client": {"eth0": ("lan", "10.77.0.9")}}
ONE_NET = DIRECTORS | CLIENT | {f"rs{n}": {"eth0": ("lan", f"10.77.0.2{n}")} for n in (1, 2)}
TWO_NETS = (
    {f"lb{n}": {"eth0": ("lan", f"10.77.0.1{n}"), "eth1": ("inside", f"10.78.0.1{n}")} for n in (1, 2)}
    | CLIENT
    | {f"rs{n}": {"eth0": ("inside", f"10.78.0.2{n}")} for n in (1, 2)}
)


@pytest.mark.parametrize(
    ("method", "cables"),
    [("nat", TWO_NETS), ("dr", ONE_NET), ("tun", ONE_NET)],
)
def test_the_page_ends_with_a_working_pair(method: str, cables: Cables, tmp_path: Path) -> None:
    """Every command does what the page says, in its order."""
    with hosts(cables, f"w{method}", tmp_path) as made:
        walk(ROOT / "docs" / f"first-cluster-{method}.md", made)
