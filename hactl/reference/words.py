"""Every event and every reason, from the closed lists that the program itself uses; core."""

from collections.abc import Iterable
from enum import StrEnum

from failover.moves import Cause
from failover.packet import Drop
from hactl.reference.page import Entry, Page, Section
from health.result import Reason
from notify.event import EventKind
from notify.formats import Format


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
            Section("FORMS OF A WEBHOOK", "", _texts(Format)),
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
            Section("WHY A CHECK PASSED OR FAILED", "", _texts(Reason)),
            Section("WHY A ROUTER MOVED", "", _texts(Cause)),
            Section("WHY A PACKET IS NO ADVERT FOR US", "Counted in status under `drops`.", _texts(Drop)),
        ),
    )


def _texts(words: Iterable[StrEnum]) -> tuple[Entry, ...]:
    return tuple(Entry(word.value, "", getattr(word, "text", "")) for word in words)
