"""What was probably meant: words of keepalived, ldirectord, ipvsadm and HAProxy for what has another name here, and short
forms that are none.

The law: a hint is only given where the section knows the key, or the value is allowed, that it names.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from hactl.config.fault import Path, suggestion
from hactl.config.tree import Node

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "address": ("addr", "host", "ip", "ipaddr", "real_server", "vip", "virtual"),
    "addresses": (
        "addr",
        "address",
        "virtual_address",
        "virtual_addresses",
        "virtual_ipaddress",
        "vip",
        "vips",
    ),
    "advert_interval": ("advert_int",),
    "authentication": ("auth_pass", "auth_type"),
    "body": ("digest", "expect", "receive"),
    "connections": ("l_threshold", "maxconn", "u_threshold"),
    "fall": ("failcount", "failurecount", "negotiate_count", "retries", "retry"),
    "forward": ("forwarding", "lb_kind", "lvs_method", "masq", "mode"),
    "host": ("virtualhost",),
    "interval": ("checkinterval", "delay_loop", "inter"),
    "path": ("request", "uri", "url"),
    "peers": ("unicast_peer",),
    "persistence": ("persistence_timeout", "persistent", "stickiness"),
    "preempt": ("nopreempt",),
    "scheduler": ("algorithm", "balance", "lb_algo", "lvs_sched"),
    "servers": ("backends", "nodes", "real", "real_servers", "realserver", "realservers"),
    "sorry": ("backup", "fallback", "sorry_server"),
    "timeout": ("checktimeout", "connect_timeout", "negotiatetimeout"),
    "track": ("track_interface", "track_process", "track_script"),
    "vrid": ("id", "virtual_router_id"),
}
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "nat": ("masq", "masquerade", "masquerading"),
    "dr": ("direct", "droute", "dsr", "gate", "gatewaying", "route"),
    "tun": ("ipip", "tunnel", "tunneling"),
    "tun, with tun: {type: gre}": ("gre",),
    "tun, with tun: {type: gue, port: ...}": ("gue",),
    "rr": ("round-robin", "round_robin", "roundrobin"),
    "wrr": ("static-rr", "weighted-round-robin"),
    "wlc": ("least-connections", "least_conn", "leastconn", "leastconns"),
    "sh": ("hash", "ip_hash", "source", "source-hash"),
    "mh": ("maglev",),
    "quiesce": ("drain", "inhibit", "inhibit_on_failure", "quiescent"),
}
_SHORT: Final = {"body": "contains", "panic": "share", "quorum": "up", "tun": "type"}
"""Mappings of which one key is what most people mean."""
_NAMED: Final = ("checks", "directors", "notify", "pools", "routers", "services")
_RANGE: Final = re.compile(r"[0-9]+[-:][0-9]+")
_MARKED: Final = "; a range is one service by firewall mark (fwmark)"


def for_key(key: str, known: Collection[str]) -> str:
    """For a key that its section does not know."""
    lowered = key.lower().replace("-", "_")
    for here, elsewhere in _KEYS.items():
        if here in known and lowered in elsewhere:
            return f"; it is called '{here}' here"
    return suggestion(key, known)


def for_word(word: str, allowed: Iterable[str]) -> str:
    """For a word that is none of those allowed; empty where nothing is known."""
    words = tuple(allowed)
    for here, elsewhere in _WORDS.items():
        if here.partition(",")[0] in words and word.lower() in elsewhere:
            return f"; here that is {here}"
    near = suggestion(word, words) if word else ""
    return near if "did you mean" in near else ""


def for_shape(path: Path, node: Node) -> str:
    """For a value that should have been a mapping, or a port that is several."""
    key = path[-1]
    if key == "port" and _RANGE.fullmatch(node.raw):
        return _MARKED
    if isinstance(node.value, (dict, bool)):
        return ""
    if not isinstance(node.value, list):
        return f"; write {{{_SHORT[str(key)]}: {node.raw}}}" if key in _SHORT else ""
    if key == "track":
        return "; what is tracked has kinds: {interfaces: [...]}"
    if key == "servers":
        return ", for each has a name: {rs1: ADDRESS, rs2: ADDRESS}"
    return ", for each has a name: {NAME: {...}}" if len(path) == 1 and key in _NAMED else ""


def for_address(text: str) -> str:
    """For a value that is no address."""
    if "/" in text:
        return "; the prefix has no place here"
    if re.fullmatch(r"[0-9.]+:[0-9]+|\[[0-9a-fA-F:]+\]:[0-9]+", text):
        return "; the port has a key of its own"
    if re.fullmatch(r"[0-9.]+-[0-9.]+", text):
        return _MARKED
    if re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", text):
        return "; names are not looked up"
    return ""
