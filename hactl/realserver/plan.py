"""From what is to what should be: the ordered steps, and the record of them.

The law: ARP is hidden and a tunnel guarded before a VIP is put on, and a VIP is taken off before that is undone; what
hactl did not do it does not undo; planned again after any cut the steps end in the same place. To remove is to wish for
nothing.
"""

from collections.abc import Iterator

import msgspec

from hactl.realserver.model import (
    LOOPBACK,
    Close,
    DeleteDevice,
    DropVip,
    Facts,
    Kept,
    Kind,
    Listener,
    Lower,
    MakeDevice,
    Open,
    PutVip,
    Raise,
    Record,
    SetSwitch,
    Step,
    Switch,
    Vip,
    Wish,
)

RP_FILTER_ALL = "ipv4/conf/all/rp_filter"
_HIDE = (Switch("{}/arp_ignore", "1", ("2", "8")), Switch("{}/arp_announce", "2"))
"""arp_ignore 2 and 8 hide an address on lo as well (ip-sysctl)."""
_NO_OTHERS = frozenset({"all", "default", LOOPBACK})


def device_of(kind: Kind, facts: Facts) -> str:
    """The device that takes these packets on this host, or will."""
    return kind.standard if kind.standard in facts.devices else kind.own


def places(wish: Wish, facts: Facts) -> tuple[Vip, ...]:
    """Where each VIP belongs."""
    return tuple(
        Vip(vip, device_of(wish.tunnelled[vip], facts) if vip in wish.tunnelled else LOOPBACK)
        for vip in wish.vips
    )


def switches(wish: Wish, facts: Facts, record: Record) -> tuple[Switch, ...]:
    """The switches that must hold, in the order in which they are set."""
    return (*_hiding(wish), *_unfiltered(wish, facts, record))


def _hiding(wish: Wish) -> Iterator[Switch]:
    if wish.hide:
        for name in ("all", *wish.lan):
            for switch in _HIDE:
                yield Switch(switch.path.format(f"ipv4/conf/{name}"), switch.value, switch.enough)


def _unfiltered(wish: Wish, facts: Facts, record: Record) -> Iterator[Switch]:
    """No reverse path filter for what comes out of a tunnel. The kernel takes the larger of `all` and a device's own, so
    `all` must be 0, and what it meant for the other devices is written to each of them."""
    if not wish.tunnelled:
        return
    ours = {device_of(kind, facts) for kind in wish.tunnelled.values()}
    before = record.switches[RP_FILTER_ALL].before if RP_FILTER_ALL in record.switches else None
    meant = before or facts.switches.get(RP_FILTER_ALL, "0")
    if meant != "0":
        others = [name for name in facts.devices if name not in ours | _NO_OTHERS]
        for name in ("default", *others):
            yield Switch(f"ipv4/conf/{name}/rp_filter", meant, ("1", "2"))
    for name in ("all", *sorted(ours)):
        yield Switch(f"ipv4/conf/{name}/rp_filter", "0")


def steps(wish: Wish, facts: Facts, record: Record) -> tuple[Step, ...]:
    """Everything that has to be done, in order: what goes first, what must hold beforehand, then the VIPs."""
    wanted = switches(wish, facts, record)
    return (
        *_drops(wish, facts, record),
        *_devices(wish, facts),
        *(SetSwitch(s.path, s.value) for s in wanted if not s.holds(facts.switches.get(s.path))),
        *_rises(wish, facts),
        *(Open(one) for one in wish.listeners if one not in facts.listeners),
        *_puts(wish, facts),
        *_undo(wish, facts, record, wanted),
    )


def ours(facts: Facts, record: Record) -> tuple[Vip, ...]:
    """VIPs that hactl put on this host: by their mark, or by the record where the kernel keeps no marks."""
    there = (Vip(a.address, a.device) for a in facts.addresses if a.ours and a.prefix in (32, 128))
    if facts.marks:
        return tuple(there)
    present = {(a.address, a.device) for a in facts.addresses}
    return tuple(vip for vip in record.vips if (vip.address, vip.device) in present)


def _drops(wish: Wish, facts: Facts, record: Record) -> Iterator[Step]:
    wanted = set(places(wish, facts))
    yield from (DropVip(vip) for vip in ours(facts, record) if vip not in wanted)


def _devices(wish: Wish, facts: Facts) -> Iterator[Step]:
    for kind in wish.kinds:
        name = device_of(kind, facts)
        if name not in facts.devices:
            yield MakeDevice(name, kind)


def _rises(wish: Wish, facts: Facts) -> Iterator[Step]:
    for kind in wish.kinds:
        name = device_of(kind, facts)
        if not facts.devices.get(name, False):
            yield Raise(name)


def _puts(wish: Wish, facts: Facts) -> Iterator[Step]:
    there = {(a.address, a.device) for a in facts.addresses}
    yield from (PutVip(vip) for vip in places(wish, facts) if (vip.address, vip.device) not in there)


def _undo(wish: Wish, facts: Facts, record: Record, wanted: tuple[Switch, ...]) -> Iterator[Step]:
    """What was done for a wish of before; a switch that somebody else has set since is theirs."""
    yield from (
        Close(one) for one in record.listeners if one not in wish.listeners and one in facts.listeners
    )
    kept = {device_of(kind, facts) for kind in wish.kinds}
    yield from (Lower(name) for name in record.raised if name not in kept and facts.devices.get(name, False))
    still = {switch.path for switch in wanted}
    for path, one in reversed(record.switches.items()):
        found = facts.switches.get(path)
        if path not in still and one.before is not None and found == one.written != one.before:
            yield SetSwitch(path, one.before, back=True)
    yield from (DeleteDevice(name) for name in record.made if name not in kept and name in facts.devices)


# ---- the record -----------------------------------------------------------------------------------------------------


def current(record: Record, facts: Facts) -> Record:
    """The record as far as it is about this run of the kernel: after a boot nothing of it holds any more."""
    return record if record.boot == facts.boot else Record(boot=facts.boot)


def before(record: Record, todo: tuple[Step, ...], facts: Facts) -> Record:
    """The record to keep before the steps are done: it names whatever may have been done when they are cut."""
    changed = {
        step.path: Kept(_first(record, step.path, facts), step.value)
        for step in todo
        if isinstance(step, SetSwitch) and not step.back
    }
    made = (step.name for step in todo if isinstance(step, MakeDevice))
    raised = (step.name for step in todo if isinstance(step, Raise))
    vips = (step.vip for step in todo if isinstance(step, PutVip))
    opened = (step.listener for step in todo if isinstance(step, Open))
    return Record(
        boot=facts.boot,
        switches={**record.switches, **changed},
        made=tuple(dict.fromkeys((*record.made, *made))),
        raised=tuple(dict.fromkeys((*record.raised, *raised))),
        vips=tuple(dict.fromkeys((*record.vips, *vips))),
        listeners=tuple(dict.fromkeys((*record.listeners, *opened))),
    )


def _first(record: Record, path: str, facts: Facts) -> str | None:
    """What a switch was before hactl touched it."""
    return record.switches[path].before if path in record.switches else facts.switches.get(path)


def after(record: Record, wish: Wish, facts: Facts) -> Record:
    """The record once all steps are done: what is no longer wished has been undone."""
    wanted = {switch.path for switch in switches(wish, facts, record)}
    kept = {device_of(kind, facts) for kind in wish.kinds}
    placed = set(places(wish, facts))
    listeners: set[Listener] = set(wish.listeners)
    return msgspec.structs.replace(
        record,
        switches={path: one for path, one in record.switches.items() if path in wanted},
        made=tuple(name for name in record.made if name in kept),
        raised=tuple(name for name in record.raised if name in kept),
        vips=tuple(vip for vip in record.vips if vip in placed),
        listeners=tuple(one for one in record.listeners if one in listeners),
    )
