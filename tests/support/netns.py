"""Network namespaces for tests: hosts on one bridge, with names of their own, gone when the test ends.

``with lan("a", "b") as net:`` gives two hosts with the addresses ``net.address("a")`` = 10.99.0.1 and so on,
on ``eth0``. Commands run in a host through ``run`` and ``start``; sockets are opened in one with ``with
net.inside("a"):``. Processes that were started here, or that run in one of the namespaces, are ended with
them.
"""

import contextlib
import itertools
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from hactl.lab import net as namespaces
from hactl.lab.kernel import CAP_NET_ADMIN, CAP_SYS_ADMIN, capable

_numbers = itertools.count(1)
_PORTS = 100
"""First interface number at the switch. The kernel rations changes of carrier to one a second for a cable whose two ends
have the same number, because it cannot tell that they are a pair."""

needs_namespaces = pytest.mark.skipif(
    not (capable(CAP_NET_ADMIN) and capable(CAP_SYS_ADMIN)), reason="network namespaces need root's rights"
)


class Lan:
    """Hosts on one bridge. ``interface`` is the same on each."""

    interface = "eth0"

    def __init__(self, names: Sequence[str], network: str) -> None:
        self.names = tuple(names)
        self.network = network
        self.identity = f"hactl-t{os.getpid()}-{next(_numbers)}"
        self.switch = f"{self.identity}-switch"

    def namespace(self, name: str) -> str:
        """Name of a host's network namespace."""
        return f"{self.identity}-{name}"

    def address(self, name: str) -> str:
        """A host's IPv4 address, without prefix."""
        return f"{self.network}.{self.names.index(name) + 1}"

    def addresses(self, name: str) -> set[str]:
        """Every address on a host, without prefix."""
        links = json.loads(self.run(name, "ip", "-json", "address", "show").stdout)
        return {info["local"] for link in links for info in link["addr_info"]}

    def link_local(self, name: str) -> str:
        """A host's own IPv6 link-local address; it must have no VIP yet."""
        return next(address for address in self.addresses(name) if address.startswith("fe80::"))

    def inside(self, name: str) -> contextlib.AbstractContextManager[None]:
        """This thread is in the host's namespace: sockets made within stay there."""
        return namespaces.inside(self.namespace(name))

    def run(self, name: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command in a host to its end."""
        words = namespaces.command(self.namespace(name), command)
        return subprocess.run(words, capture_output=True, text=True, check=check, timeout=60)

    def start(self, name: str, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Starts a command in a host; its process id is the program's own."""
        return subprocess.Popen(namespaces.command(self.namespace(name), command), **options)

    def ip(self, name: str, *lines: str) -> None:
        """``ip`` commands (without the word "ip") in a host."""
        namespaces.ip_batch(lines, self.namespace(name))

    def ip_at_switch(self, *lines: str) -> None:
        """The same at the switch, where a host's cable bears its name."""
        namespaces.ip_batch(lines, self.switch)

    def cut(self, name: str) -> None:
        """Pulls the host's cable."""
        namespaces.ip_batch([f"link set dev {name} down"], self.switch)

    def mend(self, name: str) -> None:
        """Puts the host's cable back."""
        namespaces.ip_batch([f"link set dev {name} up"], self.switch)

    def build(self) -> None:
        """Makes the namespaces, the bridge and the cables."""
        spaces = [self.switch, *map(self.namespace, self.names)]
        namespaces.ip_batch(
            [f"netns add {space}" for space in spaces]
            + [
                f"link add name {name} netns {self.switch} index {_PORTS + number} type veth "
                f"peer name eth0 netns {self.namespace(name)}"
                for number, name in enumerate(self.names)
            ]
        )
        namespaces.ip_batch(
            ["link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0", "link set lan up"]
            + [f"link set dev {name} master lan up" for name in self.names],
            self.switch,
        )
        for name in self.names:
            quiet = {f"ipv6/conf/{which}/accept_dad": "0" for which in ("all", "default", "eth0")}
            loose = {f"ipv4/conf/{which}/rp_filter": "0" for which in ("all", "default", "eth0")}
            namespaces.write_switches(self.namespace(name), quiet | loose)
            self.ip(
                name,
                "link set lo up",
                f"address add {self.address(name)}/24 dev eth0",
                "link set eth0 up",
            )

    def remove(self) -> None:
        """Ends what runs in the namespaces and removes them."""
        namespaces.remove([*map(self.namespace, self.names), self.switch])


@contextlib.contextmanager
def lan(*names: str, network: str = "10.99.0") -> Iterator[Lan]:
    """Hosts of these names (up to 11 letters) on one bridge, in ``network`` (the first three numbers)."""
    made = Lan(names, network)
    try:
        made.build()
        yield made
    finally:
        made.remove()


AS_NOBODY = (
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
)
"""Runs a command as nobody, who may read everything: the checkout or Python may be in a folder that is root's alone."""

NOT_REALTIME = (
    "prlimit",
    "--rtprio=0:0",
    "--memlock=65536:65536",
    "setpriv",
    "--bounding-set=-sys_nice,-ipc_lock,-sys_resource",
    "--inh-caps=-sys_nice,-ipc_lock,-sys_resource",
)
"""Runs a command as root who may neither schedule in real time nor keep memory in RAM, as in many containers."""
