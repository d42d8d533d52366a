"""How each kind of fault is done to a director, and undone. Effects only; what it excuses is the checker's business."""

import contextlib
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from torture import tracing
from torture.ground import Ground, configuration
from torture.places import VIP
from torture.plan import Fault, Kind
from torture.switch import LINK
from torture.weather import ANY, VRRP, Rule

from hactl.lab import net as namespaces
from support.daemon import HACTL
from support.processes import send

_EVENTS = 10_000
"""Addresses that come and go in 0.2 s: 20,000 messages, more than the worker's buffer of 4 MiB holds."""
Undo = Callable[[], object]
_TRACER_ENDS_WITHIN = 2.0
_LEFT = 4
"""File descriptors that a process may still open when it is out of them, less those that it will close."""


def nothing() -> None:
    """What ends by itself."""


def begin(ground: Ground, fault: Fault) -> Undo:
    """Does it; the answer mends it. An interface may be gone by another fault's doing, whose mend brings it back."""
    undo: Undo = nothing
    with contextlib.suppress(namespaces.NetError):
        undo = _HURTS[fault.kind](ground, fault)

    def mend() -> None:
        with contextlib.suppress(namespaces.NetError):
            undo()

    return mend


def _pids(ground: Ground, fault: Fault) -> list[int]:
    return ground.processes(fault.subject).get(fault.process, [])


def _kill(ground: Ground, fault: Fault) -> Undo:
    send(_pids(ground, fault), signal.SIGKILL)
    return nothing


def _kill_all(ground: Ground, fault: Fault) -> Undo:
    namespaces.signal_all(ground.net.namespace(fault.subject), signal.SIGKILL)
    return nothing


def _freeze(ground: Ground, fault: Fault) -> Undo:
    pids = _pids(ground, fault)
    send(pids, signal.SIGSTOP)
    return lambda: send(pids, signal.SIGCONT)


def _freeze_all(ground: Ground, fault: Fault) -> Undo:
    pids = namespaces.pids_in(ground.net.namespace(fault.subject))
    send(pids, signal.SIGSTOP)
    return lambda: send(pids, signal.SIGCONT)


# ---- system calls ---------------------------------------------------------------------------------------------------


def _traced(ground: Ground, fault: Fault, inject: str) -> Undo:
    pids = _pids(ground, fault)
    if not pids:
        return nothing
    words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={fault.call}", "-e", inject]
    for pid in pids:
        words += ["-p", str(pid)]
    quiet = subprocess.DEVNULL
    tracer = subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet)

    return lambda: tracing.end(tracer)


def _kill_at_call(ground: Ground, fault: Fault) -> Undo:
    return _traced(ground, fault, f"inject={fault.call}:signal=SIGKILL:when={fault.number}")


def _calls_fail(ground: Ground, fault: Fault) -> Undo:
    first = fault.number
    when = f"{first}..{first + int(10 * fault.amount)}"
    return _traced(ground, fault, f"inject={fault.call}:error={fault.error}:when={when}")


def _events_lost(ground: Ground, fault: Fault) -> Undo:
    """The worker stands still for a moment in which the kernel has more to tell than its socket's buffer takes."""
    pids = ground.processes(fault.subject).get("failover", [])
    send(pids, signal.SIGSTOP)
    lines = [
        f"address {verb} 10.97.{n // 250}.{n % 250}/32 dev lo"
        for n in range(_EVENTS)
        for verb in ("add", "del")
    ]
    ground.net.ip(fault.subject, *lines)
    return lambda: send(pids, signal.SIGCONT)


def _kill_in_start(ground: Ground, fault: Fault) -> Undo:
    """Its next start is traced, and it dies at a call of it, or one of its workers does."""
    name, call = fault.subject, fault.call
    ground.stopped.add(name)
    _kill_all(ground, fault)
    inject = f"inject={call}:signal=SIGKILL:when={fault.number}"
    tracer = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
    ground.start(name, *tracer)

    def undo() -> None:
        for asked in (signal.SIGTERM, signal.SIGKILL):  # As `tracing.end`: it may wait for ever.
            send(ground.processes(name).get("strace", []), asked)
            limit = time.monotonic() + _TRACER_ENDS_WITHIN
            while ground.processes(name).get("strace") and time.monotonic() < limit:
                time.sleep(0.02)

    return undo


# ---- cables ---------------------------------------------------------------------------------------------------------


def _rules(fault: Fault, others: tuple[str, ...]) -> list[Rule]:
    me, link = fault.subject, f"{fault.subject}{LINK}"
    both = [Rule(sender=me, loss=1.0), Rule(receiver=me, loss=1.0)]
    peers = [r for o in others for r in (Rule(me, o, loss=1.0), Rule(o, me, loss=1.0))]
    apart = [Rule(sender=link, loss=1.0), Rule(receiver=link, loss=1.0)]
    loss = {"loss": fault.amount}
    return {
        Kind.SPLIT: both + apart,
        Kind.DEAF: [Rule(receiver=me, loss=1.0)],
        Kind.MUTE: [Rule(sender=me, loss=1.0)],
        Kind.CLIENT_ONLY: [Rule(me, "client", loss=1.0), Rule("client", me, loss=1.0)],
        Kind.PEERS_ONLY: peers + apart,
        Kind.LINK_ONLY: apart,
        Kind.ADVERTS_ONLY: [Rule(me, "*", VRRP, **loss), Rule("*", me, VRRP, **loss)],
        Kind.LOSS: [Rule(me, "*", ANY, **loss), Rule("*", me, ANY, **loss)],
        Kind.JITTER: [Rule(sender=me, delay=fault.amount / 4), Rule(receiver=me, delay=fault.amount / 4)],
        Kind.DUPLICATES: [Rule(sender=me, duplicate=fault.amount)],
    }[fault.kind]


def _weather(ground: Ground, fault: Fault) -> Undo:
    others = tuple(name for name in ground.net.directors if name != fault.subject)
    rules = _rules(fault, others)
    ground.weather.put(*rules)
    return lambda: ground.weather.lift(*rules)


def _cable(ground: Ground, fault: Fault) -> Undo:
    ground.net.cut(fault.subject)
    return lambda: ground.net.mend(fault.subject)


def _interface_down(ground: Ground, fault: Fault) -> Undo:
    """The kernel takes IPv6 addresses off an interface that is set down; an operator's script puts them back."""
    ground.net.ip(fault.subject, "link set eth0 down")
    return lambda: ground.net.ip(fault.subject, "link set eth0 up", *ground.net.operators())


def _interface_anew(ground: Ground, fault: Fault) -> Undo:
    ground.net.ip(fault.subject, "link delete eth0")
    return lambda: ground.net.plug(fault.subject, "eth0")


def _new_mac(ground: Ground, fault: Fault) -> Undo:
    octets = (fault.number * 2654435761) & 0xFFFFFF
    whose = list(ground.directors).index(fault.subject)
    mac = f"02:5a:{whose:02x}:{octets >> 16:02x}:{octets >> 8 & 255:02x}:{octets & 255:02x}"
    ground.net.ip(fault.subject, f"link set eth0 address {mac}")
    return nothing


def _vip_removed(ground: Ground, fault: Fault) -> Undo:
    with contextlib.suppress(namespaces.NetError):
        ground.net.ip(fault.subject, f"address delete {VIP}/32 dev eth0")
    return nothing


# ---- scarcity -------------------------------------------------------------------------------------------------------


def _disk_full(ground: Ground, fault: Fault) -> Undo:
    ballast = ground.directors[fault.subject].state / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 65536):
            pass
    return lambda: ballast.unlink(missing_ok=True)


def _no_descriptors(ground: Ground, fault: Fault) -> Undo:
    def few(pid: int, hard: int) -> tuple[int, int]:
        there = [int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        return min(hard, max(there) + 1 + fault.number % _LEFT), hard

    return _limited(_pids(ground, fault), resource.RLIMIT_NOFILE, few)


def _no_memory(ground: Ground, fault: Fault) -> Undo:
    def little(pid: int, hard: int) -> tuple[int, int]:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        return pages * resource.getpagesize() + int(fault.amount * (1 << 20)), hard

    return _limited(_pids(ground, fault), resource.RLIMIT_AS, little)


def _limited(pids: list[int], which: int, limit: Callable[[int, int], tuple[int, int]]) -> Undo:
    before: dict[int, tuple[int, int]] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            before[pid] = resource.prlimit(pid, which)
            resource.prlimit(pid, which, limit(pid, before[pid][1]))

    def undo() -> None:
        for pid, old in before.items():
            with contextlib.suppress(OSError):
                resource.prlimit(pid, which, old)

    return undo


# ---- operators ------------------------------------------------------------------------------------------------------


def _reload(ground: Ground, fault: Fault) -> Undo:
    director = ground.directors[fault.subject]
    director.write(configuration(ground.net.directors, lead=1 + fault.number % 9))
    _ask(ground, fault, "reload", "-c", str(director.config))

    def undo() -> None:
        director.write(ground.text)
        if not _ask(ground, fault, "reload", "-c", str(director.config)):
            _hangup(ground, fault)

    return undo


def _bad_reload(ground: Ground, fault: Fault) -> Undo:
    director = ground.directors[fault.subject]
    director.write(ground.text.replace("vrid: 51", "vrid: 51\n    vird: 51"))
    _hangup(ground, fault)
    time.sleep(0.3)
    director.write(ground.text)
    return nothing


def _hangup(ground: Ground, fault: Fault) -> Undo:
    send(ground.processes(fault.subject).get("supervisor", []), signal.SIGHUP)
    return nothing


def _ask(ground: Ground, fault: Fault, *words: str) -> bool:
    """A command of an operator's, who does not wait for ever; whether it was done as far as its status says."""
    director = ground.directors[fault.subject]
    command = [HACTL, *words, "--socket", director.socket]
    try:
        done = subprocess.run(
            command, capture_output=True, env=director.environment, check=False, timeout=10.0
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def resume(ground: Ground) -> None:
    """Said on every director."""
    for name in ground.directors:
        _ask(ground, Fault(kind=Kind.HANDOVER, subject=name), "resume")


def _stop(ground: Ground, fault: Fault) -> Undo:
    ground.stopped.add(fault.subject)
    send(ground.processes(fault.subject).get("supervisor", []), signal.SIGTERM)
    return lambda: ground.start(fault.subject)


def _upgrade(ground: Ground, fault: Fault) -> Undo:
    undo = _stop(ground, fault)
    director = ground.directors[fault.subject]
    director.program = ground.another if director.program == HACTL else HACTL
    return undo


def _handover(ground: Ground, fault: Fault) -> Undo:
    _ask(ground, fault, "handover")
    return lambda: _ask(ground, fault, "resume")


def _standby(ground: Ground, fault: Fault) -> Undo:
    _ask(ground, fault, "standby")
    return lambda: _ask(ground, fault, "resume")


_HURTS: dict[Kind, Callable[[Ground, Fault], Undo]] = {
    Kind.KILL: _kill,
    Kind.KILL_ALL: _kill_all,
    Kind.KILL_AT_CALL: _kill_at_call,
    Kind.KILL_IN_START: _kill_in_start,
    Kind.FREEZE: _freeze,
    Kind.FREEZE_ALL: _freeze_all,
    Kind.CABLE: _cable,
    Kind.INTERFACE_DOWN: _interface_down,
    Kind.INTERFACE_ANEW: _interface_anew,
    Kind.NEW_MAC: _new_mac,
    Kind.DISK_FULL: _disk_full,
    Kind.NO_DESCRIPTORS: _no_descriptors,
    Kind.NO_MEMORY: _no_memory,
    Kind.CALLS_FAIL: _calls_fail,
    Kind.EVENTS_LOST: _events_lost,
    Kind.VIP_REMOVED: _vip_removed,
    Kind.RELOAD: _reload,
    Kind.BAD_RELOAD: _bad_reload,
    Kind.HANGUP: _hangup,
    Kind.STOP: _stop,
    Kind.UPGRADE: _upgrade,
    Kind.HANDOVER: _handover,
    Kind.STANDBY: _standby,
    Kind.SPLIT: _weather,
    Kind.DEAF: _weather,
    Kind.MUTE: _weather,
    Kind.CLIENT_ONLY: _weather,
    Kind.PEERS_ONLY: _weather,
    Kind.LINK_ONLY: _weather,
    Kind.ADVERTS_ONLY: _weather,
    Kind.LOSS: _weather,
    Kind.JITTER: _weather,
    Kind.DUPLICATES: _weather,
}
