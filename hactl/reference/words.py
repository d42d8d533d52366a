"""Every event and every reason, from the closed lists that the program itself uses; core."""

from collections.abc import Iterable
from enum import StrEnum

from failover.moves import Cause
from failover.packet import Drop
from hactl.reference.page import Entry, Page, Section
from health.result import Reason
from notify.event import EventKind
from notify.formats import Format

_CHECKS = (
    "Every probe ends with one of these, the same word in status, log, events and metrics, often with a detail behind it. "
    "`hactl probe CHECK SERVER` makes one probe now and shows each step with its time."
)
_ROUTERS = "In status beside the state of each router, and in the events `router.master`, `router.backup`, `router.fault`."
_DROPS = (
    "Such packets are counted by reason under `drops` in `hactl status --json` and change nothing. When those of another "
    "director are dropped for longer than a second, that is the alarm `router.refused`."
)
_FORMS = "Words that `format` of a webhook takes."


def events() -> Page:
    """What operators are told."""
    entries = tuple(Entry(kind.value, kind.severity.value, kind.text) for kind in EventKind)
    text = (
        "Each event has a subject, the old and the new state, a reason, a time and a severity. `hactl events` shows them; "
        "the channels under `notify` tell them, each by its own filter."
    )
    return Page(
        title="Events",
        name="hactl-events",
        number=7,
        short="every event that hactl tells",
        sections=(
            Section("EVENTS", text, entries, ("Event", "Severity", "Meaning")),
            Section("FORMS OF A WEBHOOK", _FORMS, _texts(Format)),
        ),
    )


def reasons() -> Page:
    """Why things are as they are."""
    return Page(
        title="Reasons",
        name="hactl-reasons",
        number=7,
        short="every reason that hactl gives for a state",
        sections=(
            Section("WHY A CHECK PASSED OR FAILED", _CHECKS, _texts(Reason)),
            Section("WHY A ROUTER MOVED", _ROUTERS, _texts(Cause)),
            Section("WHY A PACKET IS NO ADVERT FOR US", _DROPS, _texts(Drop)),
        ),
    )


def _texts(words: Iterable[StrEnum]) -> tuple[Entry, ...]:
    return tuple(Entry(word.value, "", getattr(word, "text", "")) for word in words)
