"""`witness` of the file: what it becomes, and what is refused."""

from pathlib import Path

import pytest

from hactl.config.load import Loaded, load

HEAD = """
cluster: web
directors: {lb1: {address: 10.99.0.1}, lb2: {address: 10.99.0.2}}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}
  inside: {vrid: 52, interface: eth1, addresses: [10.98.0.100], lease: 4s}
  other: {vrid: 53, interface: eth1, addresses: [10.98.0.101]}
groups: {edge: [web, inside]}
"""
ETCD = "{etcd: {endpoints: ['http://10.0.0.5:2379']}}"


def loaded(tmp_path: Path, text: str) -> Loaded:
    """The file as lb1 reads it."""
    file = tmp_path / "hactl.yaml"
    file.write_text(text)
    return load(str(file), "lb1")


def test_what_each_target_becomes(tmp_path: Path) -> None:
    """Checks for what is pinged or connected to, a key for each router or group, a lifetime that fits the leases."""
    text = HEAD + f"witness: {{targets: [{{ping: 10.0.0.1}}, {{tcp: '[2001:db8::1]:443'}}, {ETCD}]}}\n"
    config = loaded(tmp_path, text).config
    assert config is not None
    given = config.witnesses
    assert given is not None
    assert (given.need, given.patience) == (2, 5.0)
    assert [one.name for one in given.seen] == ["ping 10.0.0.1", "tcp [2001:db8::1]:443"]
    assert (given.seen[1].check.address, given.seen[1].check.port) == ("2001:db8::1", 443)
    assert {one.check.id for one in given.seen} <= {check.id for check in config.checks}
    assert given.arbiter is not None
    assert given.arbiter.ttl == 2 * 4 + 5
    keys = {router.name: router.witness.key for router in config.failover.routers if router.witness}
    assert keys == given.keys
    assert keys["web"] == keys["inside"] == "hactl/web/group/edge"
    assert keys["other"] == "hactl/web/router/other"


def test_without_an_arbiter_there_is_no_key(tmp_path: Path) -> None:
    """But each router needs its witnesses."""
    config = loaded(tmp_path, HEAD + "witness: {targets: [{ping: 10.0.0.1}], patience: 3s}\n").config
    assert config is not None
    assert [router.witness and router.witness.key for router in config.failover.routers] == ["", "", ""]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{targets: [{}]}", "witness.targets[0]: give one of ping, tcp and etcd"),
        (
            "{targets: [{ping: 10.0.0.1, tcp: '10.0.0.1:5'}]}",
            "give one of ping, tcp and etcd, not ping and tcp",
        ),
        ("{targets: [{ping: 10.0.0.1}, {ping: 10.0.0.1}]}", "witness.targets[1]: is given twice"),
        (f"{{targets: [{ETCD}, {{etcd: {{endpoints: ['http://x:1']}}}}]}}", "one etcd cluster only"),
        ("{targets: [{ping: 10.0.0.1}], need: 2}", "witness.need: must be at most 1"),
        ("{targets: [{ping: 10.0.0.1}], patience: 1s}", "witness.patience: must be 3s to 1h, not 1s"),
        ("{targets: [{etcd: {endpoints: ['ftp://x']}}]}", "must be the URL of an etcd member"),
        (
            "{targets: [{etcd: {endpoints: ['http://x:1'], ttl: 8s}}]}",
            "etcd.ttl: must be 13s to 600s, not 8s",
        ),
        (
            "{targets: [{etcd: {endpoints: ['http://x:1'], key_file: /k}}]}",
            "certificate_file and key_file go together",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """In an operator's words, at its place."""
    found = loaded(tmp_path, HEAD + f"witness: {text}\n")
    assert words in "\n".join(str(fault) for fault in found.faults)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("lease: off", "routers.other.lease: with witnesses the lease cannot be off"),
        ("priority: {lb1: 255}", "routers.other: an owner of the address (priority 255) cannot have an etcd"),
        (
            "fence: {command: [/bin/true]}",
            "routers.other.fence: with an etcd witness nothing is left to fence",
        ),
    ],
)
def test_what_goes_with_no_arbiter(tmp_path: Path, change: str, words: str) -> None:
    """A lease that never ends, an address that stands there, and a second way to the same."""
    text = HEAD.replace("[10.98.0.101]}", f"[10.98.0.101], {change}}}") + f"witness: {{targets: [{ETCD}]}}\n"
    assert words in "\n".join(str(fault) for fault in loaded(tmp_path, text).faults)
