"""Which recipients of a channel have had which events, while a mail server takes a mail for some and asks for patience with
others (greylisting, RFC 6647).

The law: who has had an event is not sent it again. A recipient that is put off again and again is no longer waited for,
until it takes a mail: the others' alerts must not wait for it for ever.
"""

from collections.abc import Iterable, Sequence

from notify.event import Event

TRIES = 9
"""How often in a row a recipient may be put off: nine minutes by the back-off of a lane; greylisting asks for five."""


class Recipients:
    """Of one channel."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._had: dict[str, set[str]] = {}
        self._put_off: dict[str, int] = {}

    def mails(self, events: Sequence[Event]) -> list[tuple[list[str], list[Event]]]:
        """The mails to be sent so that each has had all: to whom, and about which events."""
        mails: dict[tuple[str, ...], tuple[list[str], list[Event]]] = {}
        for address in self._addresses:
            had = self._had.get(address, ())
            rest = [event for event in events if event.id not in had]
            if rest:
                key = tuple(event.id for event in rest)
                mails.setdefault(key, ([], rest))[0].append(address)
        return list(mails.values())

    def took(self, addresses: Iterable[str], events: Sequence[Event]) -> None:
        """These have had them."""
        for address in addresses:
            self._put_off.pop(address, None)
            self._had.setdefault(address, set()).update(event.id for event in events)

    def put_off(self, address: str) -> bool:
        """The server asks for patience with this one; whether it is to be waited for."""
        self._put_off[address] = self._put_off.get(address, 0) + 1
        return self._put_off[address] <= TRIES

    def done(self, events: Sequence[Event]) -> None:
        """These are with all who are waited for."""
        for had in self._had.values():
            had.difference_update(event.id for event in events)
