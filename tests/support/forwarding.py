"""Runs inside a guest: the lab's cluster with an IPVS table written by ipvsadm, asked through every method.

``python forwarding.py FILE`` writes the checks to FILE as JSON.
"""

import subprocess
import sys
from pathlib import Path

import msgspec

from hactl.lab import net, records, serving, topology, traffic
from hactl.lab.cluster import Cluster, wait_for
from hactl.lab.files import SERVICES
from hactl.lab.serving import Check
from hactl.lab.topology import Role

FLAGS = {"nat": "-m", "dr": "-g", "tun": "-i"}
REQUESTS = 12


def table(plan: topology.Plan) -> str:
    """Lines for ``ipvsadm --restore``: the web service by each method, and ssh by direct routing."""
    lines = [f"-A -t {vip}:80 -s rr" for vip in SERVICES.values()] + [f"-A -t {topology.DR_VIP}:22 -s rr"]
    for node in plan.of(Role.SERVER):
        for name, vip in SERVICES.items():
            address = node.inside if name == "nat" else node.lan
            lines.append(f"-a -t {vip}:80 -r {address} {FLAGS[name]}")
        lines.append(f"-a -t {topology.DR_VIP}:22 -r {node.lan} -g")
    return "\n".join(lines) + "\n"


def take_over(plan: topology.Plan, director: str) -> None:
    """Gives a director the table and the addresses, as a master has them."""
    with net.inside(plan.namespace(director)):
        subprocess.run(["ipvsadm", "--restore"], input=table(plan), text=True, check=True)
    vips = [f"address add {vip}/32 dev eth0" for vip in SERVICES.values()]
    net.ip_batch([*vips, f"address add {topology.GATEWAY}/32 dev eth1"], plan.namespace(director))


def greets(client: str, address: str) -> bool:
    """Whether an ssh server answers there."""
    return traffic.greeting(client, address, 22).startswith("SSH-")


def main(file: Path) -> None:
    """Builds, asks, stores."""
    plan = topology.plan("forward")
    with records.lab(plan.identity, (), plan.namespaces, guest=False) as folder:
        cluster = Cluster(plan, folder)
        cluster.up()
        take_over(plan, "lb1")
        client = plan.namespace("client")
        for node in plan.of(Role.SERVER):
            wait_for(f"ssh on {node.name}", lambda: greets(client, node.lan), 20.0)  # noqa: B023 - called at once
        checks = [
            serving.balanced(name, traffic.ask_often(client, vip, REQUESTS), expected=3)
            for name, vip in SERVICES.items()
        ]
        line = traffic.greeting(client, topology.DR_VIP, 22)
        checks.append(Check(name="ssh", seen=line, ok=line.startswith("SSH-2.0")))
    file.write_bytes(msgspec.json.encode(checks))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
