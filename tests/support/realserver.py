"""A real server's host made up: steps change it as they change the kernel's."""

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from hactl.config.load import load
from hactl.config.schema.document import Document
from hactl.realserver.model import (
    Address,
    Close,
    DeleteDevice,
    DropVip,
    Facts,
    Kind,
    Lower,
    MakeDevice,
    Open,
    PutVip,
    Raise,
    Record,
    SetSwitch,
    Step,
    Wish,
)
from hactl.realserver.plan import after, before, steps

FARM = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.2}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100, 10.99.0.101, 10.99.0.102, 10.99.0.103]}
  six: {vrid: 52, interface: eth0, addresses: ['2001:db8::100']}
checks:
  port: {type: tcp}
services:
  www: {address: 10.99.0.100, port: 80, forward: dr, check: port, servers: {rs1: 10.99.0.3, rs2: 10.99.0.4}}
  tun: {address: 10.99.0.101, port: 80, forward: tun, check: port, servers: {rs1: 10.99.0.3, rs2: 10.99.0.4}}
  gue:
    {address: 10.99.0.102, port: 80, forward: tun, tun: {type: gue, port: 6080}, check: port, servers: {rs1: 10.99.0.3}}
  gre: {address: 10.99.0.103, port: 80, forward: tun, tun: {type: gre}, check: port, servers: {rs2: 10.99.0.4}}
  nat: {address: 10.99.0.100, port: 81, forward: nat, check: port, servers: {rs1: 10.99.0.3}}
  six: {address: '2001:db8::100', port: 80, forward: dr, check: port, servers: {rs1: '2001:db8::3'}}
  away: {address: 10.99.0.100, port: 82, forward: dr, check: port, servers: {rs9: 10.99.0.99}}
"""


def document_of(text: str = FARM) -> Document:
    """A file as a document."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hactl.yaml"
        file.write_text(text)
        loaded = load(str(file))
    assert loaded.document is not None, "\n".join(map(str, loaded.faults))
    return loaded.document


HOST = (
    Address(device="lo", address="127.0.0.1", prefix=8),
    Address(device="eth0", address="10.99.0.3", prefix=24),
    Address(device="eth0", address="2001:db8::3", prefix=64),
)


def facts(*devices: str, rp_filter: str = "0", **more: object) -> Facts:
    """A host with eth0, eth1 and these devices (down); rp_filter is that of `all`."""
    names = {"lo": True, "eth0": True, "eth1": True, **dict.fromkeys(devices, False)}
    switches = {
        f"ipv4/conf/{name}/{switch}": "0"
        for name in ("all", "default", *names)
        for switch in ("arp_ignore", "arp_announce", "rp_filter")
    }
    switches["ipv4/conf/all/rp_filter"] = rp_filter
    return msgspec.structs.replace(
        Facts(devices=names, addresses=HOST, switches=switches, boot="one"), **more
    )


class FakeHost:
    """A host whose facts follow the steps; every step must be possible as the kernel sees it."""

    def __init__(self, start: Facts) -> None:
        self.facts = start
        self.record = Record(boot=start.boot)

    def perform(self, step: Step) -> None:
        """One step; AssertionError for what the kernel would refuse."""
        devices, switches = dict(self.facts.devices), dict(self.facts.switches)
        addresses, listeners = list(self.facts.addresses), set(self.facts.listeners)
        match step:
            case SetSwitch(path, value):
                assert path in switches, path
                switches[path] = value
            case MakeDevice(name, _):
                assert name not in devices
                devices[name] = False
                switches |= {
                    f"ipv4/conf/{name}/{s}": "0" for s in ("arp_ignore", "arp_announce", "rp_filter")
                }
            case DeleteDevice(name):
                del devices[name]
                switches = {p: v for p, v in switches.items() if p.split("/")[2] != name}
            case Raise(name) | Lower(name):
                assert name in devices
                devices[name] = isinstance(step, Raise)
            case PutVip(vip):
                assert devices[vip.device]
                addresses.append(
                    Address(device=vip.device, address=vip.address, prefix=vip.prefix, ours=True)
                )
            case DropVip(vip):
                addresses = [a for a in addresses if (a.address, a.device) != (vip.address, vip.device)]
            case Open(listener):
                listeners.add(listener)
            case Close(listener):
                listeners.remove(listener)
        self.facts = msgspec.structs.replace(
            self.facts,
            devices=devices,
            switches=switches,
            addresses=tuple(addresses),
            listeners=frozenset(listeners),
        )

    def reach(self, wish: Wish, cut: int | None = None) -> tuple[Step, ...]:
        """What `apply` does, or as many steps of it as are done before it is killed."""
        todo = steps(wish, self.facts, self.record)
        before_that, self.record = self.facts, before(self.record, todo, self.facts)
        for step in todo[:cut]:
            self.perform(step)
        if cut is None or cut >= len(todo):
            self.record = after(self.record, wish, before_that)
        return todo


def kinds_with_modules() -> tuple[str, ...]:
    """The standard devices, as they are where the modules are loaded."""
    return tuple(kind.standard for kind in Kind)
