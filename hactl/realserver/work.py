"""`realserver apply`, `remove`, `check` and `agent`: joins the plan to the host; edge.

The law: what will be done is on disk before it is done; one at a time on a host; a step that fails ends the work, and
doing it again goes on from there. A VIP that the kernel refuses holds up no other: all that must precede them is done then.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from hactl import store
from hactl.config.resolve import bare, directors_by_address, servers_of
from hactl.config.schema.document import Document
from hactl.doctor.answers import judge
from hactl.doctor.finding import Finding
from hactl.realserver import host, plan, serving, verify
from hactl.realserver.fitness import STOPS, Fitness
from hactl.realserver.model import Facts, NothingServed, PutVip, Record, Served, Step, Wish
from hactl.realserver.wish import served_here, server_names, wish

FILE = "realserver.json"
_LOCK = "realserver.lock"
_LEFT = "; what an earlier apply put here stays until `hactl realserver remove`"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, as sentences. `failed`: why it ended before the last step, empty if it did not."""

    served: tuple[Served, ...] = ()
    steps: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    failed: str = ""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found. `unasked`: links that could not be asked, and why."""

    served: tuple[Served, ...]
    findings: tuple[Finding, ...]
    hints: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()


def apply(document: Document, name: str | None) -> Done:
    """Make this host fit to serve what it serves. Raises NothingServed, OSError."""
    with _alone(Path(document.state_dir)):
        wanted = _wish(document, name)
        host.load_modules(wanted)
        return _reach(document, wanted)


def remove(document: Document) -> Done:
    """Undo what `apply` did, whatever this host served then. Raises OSError."""
    with _alone(Path(document.state_dir)):
        return _reach(document, Wish())


def check(document: Document, name: str | None, file: str | None, *, asking: bool = True) -> Checked:
    """Look whether this host is fit to serve, and ask its links who else answers. Raises NothingServed, OSError.

    `file`: where the document is from, None where commands find it by themselves. Not `asking`: nothing is sent.
    """
    facts = host.facts()
    wanted = _wish(document, name)
    ways = host.ways_back(dict.fromkeys(one.address for one in wanted.served))
    heard, unasked = _ask(document, wanted) if asking else ((), ())
    deaf = tuple(serving.unserved(document, wanted, facts)) if asking else ()
    return Checked(
        served=wanted.served,
        findings=(
            *verify.findings(wanted, facts, _record(document, facts)[0], verify.apply_as(name, file)),
            *(() if _is_director(document, facts) else verify.exposed(wanted, facts)),
            *verify.ways_back(wanted, ways, gateways(document)),
            *verify.shorter_ways(wanted, facts, gateways(document)),
            *heard,
            *deaf,
        ),
        hints=wanted.hints,
        unasked=unasked,
    )


def fitness(document: Document, name: str | None) -> Fitness:
    """What keeps clients from an answer, by service of this host. Raises NothingServed, OSError."""
    facts = host.facts()
    own = tuple(one for one in facts.addresses if not one.ours)
    served = _wish(document, name).served
    found: dict[str, tuple[Finding, ...]] = {}
    for service in dict.fromkeys(one.service for one in served):
        wanted = wish(document, tuple(one for one in served if one.service == service), own)
        seen = (*verify.findings(wanted, facts, Record()), *serving.unserved(document, wanted, facts))
        found[service] = tuple(one for one in seen if one.id in STOPS)
    return found


def addresses(document: Document, name: str | None) -> tuple[str, ...]:
    """The addresses by which directors know this host. Raises NothingServed, OSError."""
    return tuple(dict.fromkeys(one.address for one in _wish(document, name).served))


def gateways(document: Document) -> dict[str, str]:
    """Every address that moves with a router, and the directors' interface that it is on."""
    return {
        bare(vip.address): str(vip.interface or router.interface)
        for router in document.routers.values()
        for vip in router.addresses
    }


def _wish(document: Document, name: str | None) -> Wish:
    addresses = host.facts().addresses
    there = tuple(one for one in addresses if not one.ours)
    own = dict.fromkeys(one.address for one in there if one.device != "lo")
    served = served_here(document, own, name)
    if served:
        return wish(document, served, there)
    known = ", ".join(server_names(document)) or "none"
    if name is not None:
        raise NothingServed(f"there is no real server '{name}' in the file; there are {known}")
    raise NothingServed(
        f"no real server of the file ({known}) has one of this host's addresses ({', '.join(own) or 'none'}); "
        f"name one with --as{_LEFT if any(one.ours for one in addresses) else ''}"
    )


def _reach(document: Document, wanted: Wish) -> Done:
    """Do what leads from the facts to the wish, with the record always ahead of it."""
    facts = host.facts()
    record, trouble = _record(document, facts)
    todo = plan.steps(wanted, facts, record)
    hints = (*wanted.hints, *([trouble] if trouble else []))
    ahead = plan.before(record, todo, facts)
    _keep(document, ahead)
    done, failed = _perform(todo)
    if not failed:
        _keep(document, plan.after(ahead, wanted, facts))
    return Done(served=wanted.served, steps=tuple(done), hints=hints, failed="; ".join(failed))


def _perform(todo: Iterable[Step]) -> tuple[list[str], list[str]]:
    """What was done, and what was not and why."""
    done: list[str] = []
    failed: list[str] = []
    for step in todo:
        try:
            host.perform(step)
            done.append(str(step))
        except host.StepFailed as failure:
            failed.append(str(failure))
            if not isinstance(step, PutVip):
                break
    return done, failed


def _is_director(document: Document, facts: Facts) -> bool:
    return not directors_by_address(document).keys().isdisjoint(one.address for one in facts.addresses)


def _ask(document: Document, wanted: Wish) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    from hactl.doctor.ask import ask

    findings: list[Finding] = []
    unasked = []
    macs = host.macs()
    directors = directors_by_address(document)
    servers = neighbours(document, wanted.vips)
    for interface in wanted.lan:
        try:
            findings += judge(ask(interface, macs, wanted.vips, directors, servers), wanted.vips)
        except (OSError, KeyError) as error:
            unasked.append(f"{interface} could not be asked who answers for the VIPs: {error}")
    return tuple(findings), tuple(unasked)


def neighbours(document: Document, vips: tuple[str, ...]) -> dict[str, str]:
    """Names, by address, of the real servers of services with these VIPs."""
    services = [service for service in document.services.values() if service.address in vips]
    return {
        server.address: name for service in services for name, server in servers_of(document, service).items()
    }


# ---- the record -----------------------------------------------------------------------------------------------------


def _record(document: Document, facts: Facts) -> tuple[Record, str]:
    """The record as far as it holds, and what is wrong with the file."""
    path = Path(document.state_dir) / FILE
    record, trouble = store.load(path, lambda data: msgspec.json.decode(data, type=Record), Record())
    return plan.current(record, facts), trouble


def _keep(document: Document, record: Record) -> None:
    store.replace(Path(document.state_dir) / FILE, msgspec.json.encode(record))


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """No other `realserver` works on this host meanwhile; the kernel ends the lock with the process."""
    store.prepare(directory)
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
