"""Overrides that did not reach the other director: a warning at once, alarms at a takeover and when they arrive."""

import json
import tempfile
from pathlib import Path

from support.daemon import BARE, SERVICES, Pair, pair, wait_until
from support.netns import needs_namespaces

pytestmark = needs_namespaces


def channel_is(two: Pair, state: str) -> None:
    """Wait until lb1 sees its peer so."""
    wait_until(lambda: two.lb1.status()["peers"]["lb2"]["state"] == state)


def test_an_override_that_the_new_master_does_not_know() -> None:
    """The channel is broken, not the net: warned when said; an alarm by both at the handover; in force when it is mended."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "peer.key"
        key.write_text("a key of more than sixteen characters\n")
        key.chmod(0o600)
        with pair(f"{BARE}peer: {{key_file: {key}}}\n{SERVICES}") as two:
            channel_is(two, "up")
            two.net.run("lb2", "nft", "add table inet deaf")
            two.net.run("lb2", "nft", "add chain inet deaf input { type filter hook input priority 0; }")
            two.net.run("lb2", "nft", "add rule inet deaf input udp dport 6940 drop")
            wait_until(lambda: two.lb2.status()["peers"]["lb1"]["state"] == "down")
            done = two.lb1.hactl("drain", "rs1", "--json")
            answer = json.loads(done.stdout)
            assert answer["applied_on"] == ["lb1"]
            assert answer["warnings"]
            assert two.lb2.server("rs1@www")["admin"] == "enabled"

            assert two.lb1.hactl("handover").returncode == 0
            (given,) = wait_until(lambda: two.lb1.events("override.unseen", "web"))
            assert given["reason"] == "lb2 did not confirm what was asked here: rs1 drain"
            assert given["severity"] == "warning"
            (taken,) = wait_until(lambda: two.lb2.events("override.unseen", "web"))
            assert taken["reason"].startswith("lb1 was master without the channel for")

            two.net.run("lb2", "nft", "delete table inet deaf")
            wait_until(lambda: two.lb2.server("rs1@www")["admin"] == "drain")
            late = wait_until(lambda: two.lb2.events("override.unseen", "web")[1:])[0]
            assert late["reason"].endswith("not in force here until now: rs1 drain")


def test_a_drain_to_the_end_holds_on_both(tmp_path: Path) -> None:
    """Said on one director, each finishes it by itself; here no connection can be counted, so the deadline decides."""
    key = tmp_path / "peer.key"
    key.write_text("a key of more than sixteen characters\n")
    key.chmod(0o600)
    with pair(f"{BARE}peer: {{key_file: {key}}}\n{SERVICES}") as two:
        channel_is(two, "up")
        done = two.lb1.hactl("drain", "rs1", "--wait", "--for", "2s", "--json")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert (answer["applied_on"], answer["removed"]) == (["lb1", "lb2"], ["rs1@www"])
        for director in (two.lb1, two.lb2):
            wait_until(lambda d=director: d.server("rs1@www")["admin"] == "disabled")  # type: ignore[misc]
            assert director.server("rs2@www")["admin"] == "enabled"
            assert "rs1@www: drained, out of the table" in director.log_text()
        assert two.lb2.hactl("enable", "rs1").returncode == 0
        wait_until(lambda: two.lb1.server("rs1@www")["admin"] == "enabled")
