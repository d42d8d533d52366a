"""`hactl doctor`: looks at this host as a director, as a real server, or as both, and has what was seen judged; edge.

The law: nothing on the host is changed; what cannot be seen, for want of rights or of a program, is said and not guessed.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from hactl.config.model import Config
from hactl.config.schema.document import Document
from hactl.doctor import firewall, kernel, limits, links, nat, peers, secrets, switches, table
from hactl.doctor.finding import Finding
from hactl.doctor.look import daemon as daemon_look
from hactl.doctor.look import firewall as firewall_look
from hactl.doctor.look import host as host_look
from hactl.doctor.look import kernel as kernel_look
from hactl.doctor.look import limits as limits_look
from hactl.doctor.model import DISTANT, Host
from hactl.realserver import work
from hactl.realserver.wish import wish

T = TypeVar("T")


class Stranger(Exception):
    """This host is neither a director of the file nor one of its real servers; the text says so."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What to examine: a file, and the daemon at `socket`.

    `config` None: no director, and `stranger` says why. `server`: be this real server; None: by the host's addresses.
    """

    file: str
    socket: str

    document: Document
    config: Config | None
    stranger: str = ""
    server: str | None = None


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `unseen` are sentences about what could not be looked at, `hints` about what to see to."""

    node: str | None = None
    servers: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    unseen: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


class Notes:
    """Gathers what could not be seen."""

    def __init__(self) -> None:
        self.unseen: list[str] = []

    def look(self, what: str, read: Callable[[], T]) -> T | None:
        """What `read` returns, or None with a note."""
        try:
            return read()
        except PermissionError:
            self.unseen.append(f"{what}: for root only")
        except OSError as error:
            self.unseen.append(f"{what}: {error.strerror or error}")
        return None


def examine(question: Question) -> Diagnosis:
    """The whole diagnosis. Raises Stranger."""
    notes = Notes()
    checked = notes.look("this host as a real server", lambda: _checked(question))
    if question.config is None and checked is None:
        raise Stranger("; ".join((question.stranger, *notes.unseen)))
    findings: list[Finding] = []
    if question.config is not None:
        findings += _director(question, question.config, notes)
    if checked is not None:
        findings += (*checked.findings, *_real_server(question.document, checked, notes))
        notes.unseen += checked.unasked
    return Diagnosis(
        node=question.config.node if question.config else None,
        servers=tuple(dict.fromkeys(one.server for one in checked.served)) if checked else (),
        findings=tuple(dict.fromkeys(findings)),
        unseen=tuple(notes.unseen),
        hints=checked.hints if checked else (),
    )


def _checked(question: Question) -> work.Checked | None:
    """What `realserver check` says; None on a director that is no real server. A name that nobody has is an error."""
    try:
        return work.check(question.document, question.server)
    except work.NothingServed as error:
        if question.config is None:
            raise Stranger(f"{question.stranger}; and {error}") from error
        if question.server is not None:
            raise Stranger(str(error)) from error
        return None


def _real_server(document: Document, checked: work.Checked, notes: Notes) -> Iterator[Finding]:
    """What `realserver check` does not look at: the network's fitness for dr and tun."""
    host = notes.look("interfaces and kernel switches", lambda: host_look.host(DISTANT.values()))
    if host is None:
        return
    wanted = wish(document, checked.served, host.addresses)
    for interface in wanted.lan if wanted.hide else ():
        yield from switches.filtered(interface, host)
    for distant in DISTANT.values():
        yield from links.segments(wanted, host, distant)


def _director(question: Question, config: Config, notes: Notes) -> Iterator[Finding]:
    """Everything about this host as a director, one family after the other."""
    daemon = notes.look("the daemon", lambda: daemon_look.daemon(question.socket))
    if daemon is not None:
        yield from peers.judge(config, question.file, daemon)
    running = daemon is not None and daemon.running
    host = notes.look(
        "interfaces and kernel switches", lambda: host_look.host(_destinations(config), running=running)
    )
    if host is not None:
        modules = kernel_look.modules()
        yield from kernel.judge(config, host, modules)
        yield from links.judge(config, host)
        yield from switches.judge(config, host)
        yield from nat.judge(config, host)
        yield from _firewall(config, host, notes)
        yield from table.judge_rivals(kernel_look.programs(), host.links)
        if modules.ipvs:
            yield from _table(config, daemon, notes)
    yield from _means(config, daemon, notes)


def _firewall(config: Config, host: Host, notes: Notes) -> Iterator[Finding]:
    """Whether adverts pass."""
    ruleset = notes.look("the firewall", firewall_look.ruleset) if config.failover.routers else None
    if ruleset is not None:
        yield from firewall.judge(config, host, ruleset)
        notes.unseen += firewall.doubtful(config, host, ruleset)


def _table(config: Config, daemon: peers.Daemon | None, notes: Notes) -> Iterator[Finding]:
    """The kernel's table and its connections."""
    held = notes.look("the IPVS table", kernel_look.table)
    owned = notes.look("hactl's record of its services", lambda: kernel_look.owned(config.state_dir))
    if held is not None and owned is not None:
        yield from table.judge_table(config, held, owned)
    talks = notes.look("connections of IPVS", kernel_look.talks)
    if talks is not None:
        yield from nat.judge_conversations(config, talks, daemon.healthy if daemon is not None else None)


def _means(config: Config, daemon: peers.Daemon | None, notes: Notes) -> Iterator[Finding]:
    """What the daemon needs besides the network: time, rights, secrets."""
    clock = notes.look("the clock", limits_look.clock)
    if clock is not None:
        yield from limits.judge_clock(clock)
    if config.failover.routers:
        allowed = notes.look(
            "limits of processes", lambda: limits_look.limits(daemon.worker if daemon is not None else None)
        )
        if allowed is not None:
            yield from limits.judge(allowed)
    files = notes.look("files with secrets", lambda: daemon_look.secrets(config))
    if files is not None:
        yield from secrets.judge(files)


def _destinations(config: Config) -> tuple[str, ...]:
    """All real servers, and anybody far away."""
    servers = (server.address for service in config.services for server in service.servers)
    sorry = (service.sorry.address for service in config.services if service.sorry is not None)
    return tuple(dict.fromkeys((*servers, *sorry, *DISTANT.values())))
