"""`hactl doctor`: looks at this host as a director, as a real server, or as both, and has what was seen judged; edge.

The law: nothing on the host is changed; what cannot be seen, for want of rights or of a program, is said and not guessed.
"""

from collections.abc import Iterator

import msgspec

from hactl.config.model import Config
from hactl.config.schema.document import Document
from hactl.doctor import director, links, switches
from hactl.doctor.director import Ground
from hactl.doctor.finding import Finding
from hactl.doctor.look import host as host_look
from hactl.doctor.notes import Notes
from hactl.realserver import work
from hactl.realserver.model import DISTANT, NothingServed
from hactl.realserver.wish import wish


class Stranger(Exception):
    """This host is neither a director of the file nor one of its real servers; the text says so."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What to examine, and where. `config` None: no director, and `stranger` says why.

    `server`: be this real server; None: by the host's addresses.
    """

    ground: Ground
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


def examine(question: Question) -> Diagnosis:
    """The whole diagnosis. Raises Stranger."""
    notes = Notes()
    checked = notes.look("this host as a real server", lambda: _checked(question))
    if question.config is None and checked is None:
        raise Stranger("; ".join((question.stranger, *notes.unseen)))
    findings: list[Finding] = []
    if question.config is not None:
        findings += director.examine(question.config, question.ground, notes)
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
        ground = question.ground
        file = None if ground.usual else ground.file
        return work.check(question.document, question.server, file, asking=ground.listen > 0)
    except NothingServed as error:
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
