"""The lab on paper: nodes, addresses, links, kernel switches, and the ``ip -batch`` lines that make them.

Its law: everything here follows from an identity alone, and nothing is done here.

Every node is a network namespace. Two LANs join them through two bridges in a namespace of their own: ``lan``
(client, directors, real servers; direct routing and tunnelling) and ``inside`` (directors and real servers;
NAT, with a floating address of the directors as the servers' gateway). Each node's ``eth0`` is in ``lan``,
its ``eth1`` in ``inside``.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

NAT_VIP: Final = "10.77.0.100"
DR_VIP: Final = "10.77.0.101"
TUN_VIP: Final = "10.77.0.102"
GATEWAY: Final = "10.78.0.1"
SWITCH: Final = "switch"
LANS: Final = ("lan", "inside")
NAT_TABLE: Final = 78


class Role(enum.StrEnum):
    """What a node is in the cluster."""

    CLIENT = "client"
    DIRECTOR = "director"
    SERVER = "server"


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One host of the lab; ``inside`` is its address in NAT's LAN, when it is in there."""

    name: str
    role: Role
    lan: str
    inside: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole lab. ``identity`` keeps its namespaces apart from every other lab's."""

    identity: str
    nodes: tuple[Node, ...]

    def namespace(self, name: str) -> str:
        """Name of a node's (or the switch's) network namespace."""
        return f"hactl-{self.identity}-{name}"

    def node(self, name: str) -> Node:
        """The node of that name; KeyError otherwise."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def of(self, role: Role) -> tuple[Node, ...]:
        """The nodes of one role, in order."""
        return tuple(node for node in self.nodes if node.role is role)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every namespace of this lab."""
        return tuple(self.namespace(name) for name in (SWITCH, *(node.name for node in self.nodes)))


def plan(identity: str, servers: int = 3) -> Plan:
    """A client, two directors and ``servers`` real servers (0 to 9)."""
    nodes = [Node(name="client", role=Role.CLIENT, lan="10.77.0.9")]
    for number in (1, 2):
        nodes.append(
            Node(
                name=f"lb{number}",
                role=Role.DIRECTOR,
                lan=f"10.77.0.{10 + number}",
                inside=f"10.78.0.{10 + number}",
            )
        )
    for number in range(1, servers + 1):
        nodes.append(
            Node(
                name=f"rs{number}",
                role=Role.SERVER,
                lan=f"10.77.0.{20 + number}",
                inside=f"10.78.0.{20 + number}",
            )
        )
    return Plan(identity=identity, nodes=tuple(nodes))


def port(lan: str, node: str) -> str:
    """Name of the switch's interface that a node's cable ends in; ``lan`` is "lan" or "inside"."""
    return f"{lan}-{node}"


def cables(plan: Plan) -> list[tuple[str, str, str]]:
    """(LAN, node, interface of the node) of every cable."""
    outer = [("lan", node.name, "eth0") for node in plan.nodes]
    return outer + [("inside", node.name, "eth1") for node in plan.nodes if node.inside]


def root_batch(plan: Plan) -> list[str]:
    """Lines for the namespace that the lab is built from: all namespaces, and the cables right into them."""
    made = [f"netns add {namespace}" for namespace in plan.namespaces]
    switch = plan.namespace(SWITCH)
    return made + [
        f"link add name {port(lan, node)} netns {switch} type veth "
        f"peer name {interface} netns {plan.namespace(node)}"
        for lan, node, interface in cables(plan)
    ]


def switch_batch(plan: Plan) -> list[str]:
    """Lines for the switch: two bridges that forward at once and flood multicast, and their ports."""
    lines = []
    for lan in ("lan", "inside"):
        lines.append(f"link add name {lan} type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
        lines.append(f"link set {lan} up")
    return lines + [f"link set dev {port(lan, node)} master {lan} up" for lan, node, _ in cables(plan)]


def node_batch(node: Node) -> list[str]:
    """Lines for one node: its interfaces, and on a real server the VIPs and NAT's way back."""
    lines = ["link set lo up", f"address add {node.lan}/24 dev eth0", "link set eth0 up"]
    if node.inside:
        lines += [f"address add {node.inside}/24 dev eth1", "link set eth1 up"]
    if node.role is Role.SERVER:
        lines += [
            f"address add {DR_VIP}/32 dev lo",
            "link set tunl0 up",
            f"address add {TUN_VIP}/32 dev tunl0",
            f"rule add from {node.inside} lookup {NAT_TABLE}",
            f"route add default via {GATEWAY} table {NAT_TABLE}",
        ]
    return lines


def switches(node: Node) -> dict[str, str]:
    """Kernel switches of one node, by path below ``/proc/sys/net``; set before its addresses are."""
    interfaces = ["all", "default", "eth0", *(["eth1"] if node.inside else [])]
    chosen = {f"ipv4/conf/{name}/rp_filter": "0" for name in interfaces}
    chosen |= {f"ipv6/conf/{name}/accept_dad": "0" for name in interfaces}
    if node.role is Role.DIRECTOR:
        chosen["ipv4/ip_forward"] = "1"
        chosen |= {f"ipv4/conf/{name}/send_redirects": "0" for name in interfaces}
    if node.role is Role.SERVER:
        chosen["ipv4/conf/tunl0/rp_filter"] = "0"
        for name in ("all", "eth0"):
            chosen |= {f"ipv4/conf/{name}/arp_ignore": "1", f"ipv4/conf/{name}/arp_announce": "2"}
    return chosen
