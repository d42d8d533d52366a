"""What is told without refusing the file."""

from collections.abc import Callable
from typing import Any

import pytest

Load = Callable[..., Any]

CASES = [
    ("  lb2: {address: 10.77.0.12}\n", "",
     "2:1: directors: there is one director only, so nothing takes over from it"),
    ("{address: 10.77.0.12}", "{address: 10.77.0.12, priority: 150}",
     "4:3: directors.lb2: has the same priority as lb1 (150); the higher address decides"),
    ("{address: 10.77.0.11}", "{address: 10.77.0.11, priority: 255}",
     "3:40: directors.lb1.priority: 255 means that this director owns the VIPs as its own addresses; else use 1 to 254"),
    ("[10.77.0.100]", "[10.77.0.100, 10.77.0.11]",
     ("9:30: routers.web.addresses[1]: is the director lb1's own address, so lb1 is its owner: priority 255, never leased "
     "and never removed there")),
    ("[10.77.0.100]", "[10.77.0.100]\n    preempt: false\n    preempt_delay: 5s",
     "11:5: routers.web.preempt_delay: has no effect with preempt: false"),
    ("[10.77.0.100]", "[10.77.0.100]\n    down_after: 1",
     "10:17: routers.web.down_after: one lost packet makes a second master"),
    ("[10.77.0.100]", "[10.77.0.100]\n    peers: {lb1: 10.77.0.11}",
     "10:5: routers.web.peers: has an effect with transport: unicast only"),
    ("[10.77.0.100]", "[10.77.0.100]\n    authentication: {type: hmac, key_file: /k, replay: increasing, window: 9s}",
     "10:76: routers.web.authentication.window: has an effect with replay: time only"),
    ("    address: 10.77.0.100\n", "    address: 10.77.0.99\n",
     "12:14: services.www.address: no router carries 10.77.0.99, so it does not move with any"),
    ("[10.77.0.100]", "[10.77.0.100]\n    virtual_mac: true\n    transport: unicast",
     ("10:18: routers.web.virtual_mac: unicast adverts come from the interface's own MAC, so switches learn where the "
      "virtual one is by announcements only")),
    ("[10.77.0.100]", ("[10.77.0.100, {address: '2001:db8::1', advertise: false}]\n    virtual_mac: true\n"
     "    announce: {refresh: 0s}"),
     ("11:25: routers.web.announce.refresh: switches forget a virtual MAC that no adverts come from; write a refresh")),
    ("{type: http}", "none",
     "15:12: services.www.check: without a check a server is always up, also when it is dead"),
    ("{type: http}", "{type: https}",
     ("15:5: services.www.check: the certificate must be valid for the server's address, as neither host nor tls.name "
     "is given; tls: {verify: false} verifies nothing")),
    ("{type: http}", "{type: imap, user: a, password_file: /p}",
     "15:34: services.www.check.password_file: without tls or starttls the password can be read on its way"),
    ("{type: http}", "{type: ssh, user: a, key_file: /k}",
     "15:5: services.www.check: without known_hosts_file anybody may answer for the server"),
    ("{type: http}", "{type: ftp, user: a, starttls: true}",
     "15:24: services.www.check.user: without password_file an empty password is given"),
    ("services:", "checks: {page: {type: http}}\nservices:", "10:10: checks.page: no server is checked by this"),
    ("services:", "pools: {web: {servers: {a: 10.77.0.30}}}\nservices:", "10:9: pools.web: no service uses this pool"),
    ("services:", ("services:\n  two: {address: 10.77.0.100, port: 81, forward: nat, check: {type: tcp}, "
     "servers: {rs1: 10.77.0.29}}"),
     "17:15: services.www.servers.rs1: has 10.77.0.21 here and 10.77.0.29 in two; commands mean every server named rs1"),
    ("services:", "peer: {port: 6940}\nservices:", "10:1: peer: without key_file the peer channel stays off"),
    ("services:", "groups: {edge: [web]}\nservices:", "10:10: groups.edge: a group of one router has no effect"),
    ("services:", ("  in: {vrid: 52, interface: eth1, addresses: [10.78.0.1], priority: {lb2: 200}}\n"
     "groups: {edge: [web, in]}\nservices:"),
     "11:10: groups.edge: its routers prefer different directors, so they cannot all have theirs"),
    ("services:", ("  in: {vrid: 52, interface: eth1, addresses: [10.78.0.1], fence: {command: [/bin/off]}}\n"
     "groups: {edge: [web, in]}\nservices:"),
     "11:10: groups.edge: fence differs between its routers"),
    ("{type: http}", "[{type: http}, {type: agent}]",
     "15:27: services.www.check[1]: without port the agent is asked at the service's own port"),
    ("{type: http}", "{type: agent, port: 9}",
     ("15:12: services.www.check: an agent that is silent changes nothing, so a dead server stays; give another check "
     "as well")),
]  # fmt: skip


@pytest.mark.parametrize(("sound_part", "other", "expected"), CASES)
def test_warning(load_text: Load, sound: str, sound_part: str, other: str, expected: str) -> None:
    """The warning is there, at its place, and the file is accepted."""
    assert sound_part in sound
    loaded = load_text(sound.replace(sound_part, other))
    assert expected in [str(warning).removeprefix("f.yaml:") for warning in loaded.warnings]
    assert loaded.faults == ()
    assert loaded.config is not None


def test_defaults_written_out_are_not_warned_of(load_text: Load, sound: str) -> None:
    """Writing down that something is off asks for nothing."""
    off = "[10.77.0.100]\n    version: 3\n    virtual_mac: false\n    authentication: {type: none}"
    text = sound.replace("[10.77.0.100]", off).replace(
        "forward: dr", "forward: dr\n    slow_start: off\n    panic: off"
    )
    loaded = load_text(text + "control: {http: off}\n")
    assert (loaded.faults, loaded.warnings) == ((), ())
