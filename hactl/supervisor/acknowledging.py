"""Problems that an operator says to know: carried out, kept, told to the peers and to the history."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hactl.config.fault import suggestion
from hactl.control.commands import AckAnswer, AckRequest, Caller
from hactl.control.refusals import Code, RefusedError
from hactl.events import plain
from hactl.problems.acks import EVERYTHING, targets_of
from hactl.problems.problems import Problem
from hactl.supervisor.confirming import confirmed
from hactl.wishes.overrides import MAX_REASON
from notify.event import EventKind
from notify.problem import name

if TYPE_CHECKING:
    from hactl.supervisor.supervisor import Supervisor

_MISSING = (
    "not confirmed by {missing} other director(s), which may go on telling: down, or without the peer channel"
)


async def acknowledge(daemon: "Supervisor", request: AckRequest, caller: Caller) -> AckAnswer:
    """Take an operator's word for the problems of some subjects, or take it back; on disk before it acts."""
    _check(daemon, request)
    covered = tuple(dict.fromkeys(name(one.key) for one in _covered(daemon, request)))
    words = daemon.wishes.acks.with_words(
        request.subjects, caller.user, request.reason, time.time(), withdrawn=request.undo
    )
    try:
        daemon.wishes.ask(acks=words)
    except OSError as error:
        raise RefusedError(
            Code.UNAVAILABLE, f"the acknowledgement cannot be kept: {error.strerror}"
        ) from None
    daemon.problems.look()
    what = ("taken back by" if request.undo else "by") + f" {caller.user}"
    for subject in request.subjects:
        reason = what + (f": {request.reason}" if request.reason else "")
        new = "open" if request.undo else "acknowledged"
        daemon.emit(plain(EventKind.PROBLEM_ACKNOWLEDGED, subject, reason, new=new))
    others, missing = await confirmed(daemon, lambda peers: peers.know_acks(words.revision))
    return AckAnswer(
        problems=covered,
        applied_on=(daemon.config.node, *others),
        warnings=(_MISSING.format(missing=missing),) if missing else (),
    )


def _check(daemon: "Supervisor", request: AckRequest) -> None:
    """Refuse what covers nothing: a slip of the pen would otherwise silence what comes later."""
    if len(request.reason) > MAX_REASON or not request.reason.isprintable():
        message = f"a reason is one line of at most {MAX_REASON} printable characters"
        raise RefusedError(Code.CONFLICT, message)
    given = daemon.wishes.acks.by_target()
    known = {target for one in daemon.problems.open for target in targets_of(one.subject)}
    for subject in request.subjects:
        if request.undo and subject not in given:
            raise RefusedError(Code.NOT_FOUND, f"'{subject}' is not acknowledged{suggestion(subject, given)}")
        if not request.undo and subject not in known:
            what = "nothing is wrong" if subject == EVERYTHING else f"nothing is wrong with '{subject}'"
            hint = suggestion(subject, known - {EVERYTHING}) if subject != EVERYTHING else ""
            raise RefusedError(Code.NOT_FOUND, f"{what}, so there is nothing to acknowledge{hint}")


def _covered(daemon: "Supervisor", request: AckRequest) -> Iterator[Problem]:
    for one in daemon.problems.open:
        if not set(request.subjects).isdisjoint(targets_of(one.subject)):
            yield one
