"""The rules of `accept: false`, read by nft itself and by the kernel, in a namespace of their own."""

import subprocess

import pytest

from hactl.routers.acceptance import TABLE, script

ALONE = ("unshare", "--net")


def load(*scripts: str) -> subprocess.CompletedProcess[str]:
    """The table after these scripts, one after the other, in an empty namespace."""
    words = [
        *ALONE,
        "sh",
        "-ec",
        'for s; do printf %s "$s" | nft -f -; done; nft list ruleset',
        "sh",
        *scripts,
    ]
    return subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)


needs_nft = pytest.mark.skipif(
    subprocess.run([*ALONE, "nft", "list", "ruleset"], capture_output=True, check=False).returncode != 0,
    reason="needs nft and the right to make a network namespace",
)


@needs_nft
def test_the_table_is_exactly_these_addresses() -> None:
    """Written twice it is there once, after IPVS's own hooks; with none it goes, and goes again."""
    there = load(script(["10.99.0.101"]), script(["2001:db8::100", "10.99.0.100", "10.99.0.100"])).stdout
    assert there.count(f"table ip {TABLE}") == there.count(f"table ip6 {TABLE}") == 1
    assert there.count("type filter hook input priority 200; policy accept;") == 2
    assert "10.99.0.101" not in there
    dropped = [line.split(" counter")[0].strip() for line in there.splitlines() if "drop" in line]
    assert dropped == ["ip daddr 10.99.0.100", "ip6 daddr 2001:db8::100"]
    assert load(script(["10.99.0.100"]), script([]), script([])).stdout == ""
