"""A walk through a page of docs/: its blocks are taken from the Markdown and run on the hosts that their titles name.

A host is a network, a mount and a name of its own: `/etc`, `/var` and `/run` are layers that are thrown away. What a
machine has and a namespace has not is stood in for: apt-get, which only looks whether what it shall install is here, and
systemctl, which starts what the unit files say.
"""

import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hactl.lab import net as namespaces
from support.daemon import HACTL

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r'^```(\w+) title="([^"\n]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
HOST = re.compile(r"\b(?:lb\d|rs\d|client)\b")
Cables = dict[str, dict[str, tuple[str, str]]]
"""For each host its interfaces: the LAN that each is in, and its address there."""
PATIENCE = 80.0
"""Seconds within which "a few seconds later" is over, also in the lab kernel."""
SETUP = """
set -e
hostname "$1"
mount -t tmpfs walk /mnt
for folder in etc var; do
    mkdir -p /mnt/$folder/up /mnt/$folder/work
    mount -t overlay overlay -o lowerdir=/$folder,upperdir=/mnt/$folder/up,workdir=/mnt/$folder/work /$folder
done
mkdir -p /mnt/bin /etc/hactl /var/www/html /var/lib/hactl /var/log/nginx
rm -rf /var/lib/hactl/* /etc/hactl/*
cp "$2"/* /mnt/bin/
mount -t tmpfs run /run
mkdir -p /run/hactl
echo ready
exec sleep infinity
"""
STAND_INS = {
    "apt-get": """#!/bin/bash
set -eu
[[ $1 == install && $2 == -y ]]
shift 2
for package; do
    case $package in
        ./hactl_\\*.deb) type hactl >/dev/null ;;
        nginx-light) type nginx >/dev/null ;;
        *) echo "no such package: $package" >&2; exit 100 ;;
    esac
done
""",
    "systemctl": """#!/bin/bash
set -eu
verb=$1
shift
[[ $verb != enable ]] || { [[ $1 == --now ]]; verb=start; shift; }
main() { sed -n 's|^ExecStart=/usr/bin/||p' "@ROOT@/etc/$1.service"; }
case $verb-$1 in
    start-nginx) exec nginx ;;
    stop-nginx) exec nginx -s stop ;;
    start-hactl) setsid $(main hactl) >>/var/log/hactl.log 2>&1 </dev/null & echo $! >/run/hactl.pid ;;
    stop-hactl) pid=$(</run/hactl.pid); kill "$pid"; while [[ -e /proc/$pid ]]; do sleep 0.1; done ;;
    start-hactl-realserver) $(main hactl-realserver) ;;
    *) echo "no such unit or verb: $verb $1" >&2; exit 5 ;;
esac
""",
}


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, its title, its text."""

    language: str
    title: str
    text: str

    @property
    def hosts(self) -> Sequence[str]:
        """Where it is run or written; nowhere for what is only shown."""
        return HOST.findall(self.title.partition(" on ")[2] or self.title.removeprefix("on "))

    @property
    def later(self) -> bool:
        """Whether it may take some seconds until it succeeds."""
        return self.title.endswith("later")


def blocks(page: str) -> Sequence[Block]:
    """The titled blocks of a page, in order."""
    return [Block(*found) for found in BLOCK.findall(page)]


class Host:
    """One host of a walk, which lives until it is ended."""

    def __init__(self, namespace: str, name: str, stand_ins: Path) -> None:
        unshared = ["unshare", "--mount", "--uts", "--propagation", "private"]
        words = [*unshared, "bash", "-c", SETUP, "host", name, str(stand_ins)]
        self.name = name
        self.process = subprocess.Popen(
            namespaces.command(namespace, words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", f"{name} could not be made"

    def run(self, text: str, within: float = 90.0) -> subprocess.CompletedProcess[str]:
        """Commands as an operator types them, in a folder with the package; an error ends them."""
        path = f"/mnt/bin:{Path(HACTL).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        place = ["nsenter", "--target", str(self.process.pid), "--mount", "--uts", "--net"]
        shell = ["env", "-i", f"PATH={path}", "HOME=/root", "NO_COLOR=1", "LC_ALL=C.UTF-8", "bash", "-euc"]
        words = [*place, *shell, f"cd /mnt/bin\n{text}"]
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=within
        )

    def end(self) -> None:
        """The process that holds it; what else runs in its network is ended with that."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def hosts(cables: Cables, identity: str, folder: Path) -> Iterator[dict[str, Host]]:
    """Hosts by name."""
    for name, text in STAND_INS.items():
        (folder / name).write_text(text.replace("@ROOT@", str(ROOT)))
        (folder / name).chmod(0o755)
    space = {name: f"hactl-{identity}-{name}" for name in ("switch", *cables)}
    made: dict[str, Host] = {}
    try:
        namespaces.ip_batch(f"netns add {one}" for one in space.values())
        _join(cables, space)
        for name in cables:
            made[name] = Host(space[name], name, folder)
        yield made
    finally:
        for host in made.values():
            host.end()
        namespaces.remove(space.values())


def _join(cables: Cables, space: dict[str, str]) -> None:
    """The cables, and the switch that they end in."""
    ends = [(name, device, *where) for name, devices in cables.items() for device, where in devices.items()]
    lans = {lan for _, _, lan, _ in ends}
    namespaces.ip_batch(
        f"link add name {name}-{device} netns {space['switch']} index {100 + number} type veth "
        f"peer name {device} netns {space[name]}"
        for number, (name, device, _, _) in enumerate(ends)
    )
    bridges = [
        f"link add name {lan} type bridge stp_state 0 forward_delay 0 mcast_snooping 0" for lan in lans
    ]
    bridges += [f"link set {lan} up" for lan in lans]
    namespaces.ip_batch(
        [*bridges, *(f"link set dev {name}-{device} master {lan} up" for name, device, lan, _ in ends)],
        space["switch"],
    )
    for name in {end[0] for end in ends}:
        own = [(device, address) for owner, device, _, address in ends if owner == name]
        lines = [
            line
            for device, address in own
            for line in (f"address add {address}/24 dev {device}", f"link set {device} up")
        ]
        namespaces.ip_batch(["link set lo up", *lines], space[name])


def walk(page: Path, made: dict[str, Host]) -> None:
    """Writes each file and runs each command where its title says; AssertionError with the block that fails."""
    found = blocks(page.read_text())
    for block, after in zip(found, [*found[1:], None], strict=True):
        for name in block.hosts:
            if block.language == "sh":
                wanted = after.text if after is not None and after.title == "it answers" else None
                _run(made[name], block, wanted)
            else:
                file = block.title.partition(" on ")[0]
                done = made[name].run(f"cat > {file} <<'END OF FILE'\n{block.text}END OF FILE\n")
                assert done.returncode == 0, done.stderr


def _run(host: Host, block: Block, wanted: str | None) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        done = host.run(block.text)
        well = done.returncode == 0 and (
            wanted is None or sorted(done.stdout.split()) == sorted(wanted.split())
        )
        if well:
            return
        if not block.later or time.monotonic() > limit:
            log = host.run("tail -n 30 /var/log/hactl.log || true").stdout
            raise AssertionError(f"on {host.name}:\n{block.text}\n{done.stdout}\n{done.stderr}\n{log}")
        time.sleep(0.5)
