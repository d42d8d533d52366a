"""`hactl doctor`: looks at this host as a director, as a real server, or as both, and has what was seen judged; edge.

The law: nothing on the host is changed; what cannot be seen, for want of rights or of a program, is said and not guessed.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from hactl.config.model import Config
from hactl.config.schema.document import Document
from hactl.doctor import switches
from hactl.doctor.finding import Finding
from hactl.doctor.look import host as host_look
from hactl.doctor.model import DISTANT
from hactl.realserver import work

T = TypeVar("T")


class Stranger(Exception):
    """This host is neither a director of the file nor one of its real servers; the text says so."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What to examine. `config` None: no director. `server`: be this real server; None: by the host's addresses."""

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


class _Notes:
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
    notes = _Notes()
    served = _checked(question)
    if question.config is None and served is None:
        raise Stranger(question.stranger)
    findings: list[Finding] = []
    if question.config is not None:
        findings += _director(question.config, notes)
    if served is not None:
        findings += served.findings
        notes.unseen += served.unasked
    return Diagnosis(
        node=question.config.node if question.config else None,
        servers=tuple(dict.fromkeys(one.server for one in served.served)) if served else (),
        findings=tuple(dict.fromkeys(findings)),
        unseen=tuple(notes.unseen),
        hints=served.hints if served else (),
    )


def _checked(question: Question) -> work.Checked | None:
    """What `realserver check` says; None on a host that is no real server. A name that nobody has is an error."""
    try:
        return work.check(question.document, question.server)
    except work.NothingServed as error:
        if question.server is not None or question.config is None:
            raise Stranger(
                f"{question.stranger}; {error}" if question.config is None else str(error)
            ) from error
        return None


def _director(config: Config, notes: _Notes) -> Iterator[Finding]:
    host = notes.look(
        "interfaces and kernel switches", lambda: host_look.host(_destinations(config), running=False)
    )
    if host is not None:
        yield from switches.judge(config, host)


def _destinations(config: Config) -> tuple[str, ...]:
    servers = [
        server.address
        for service in config.services
        for server in (*service.servers, *([service.sorry] if service.sorry else ()))
    ]
    return tuple(dict.fromkeys((*servers, *DISTANT.values())))
