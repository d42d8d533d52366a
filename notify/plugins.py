"""Channels that other packages bring: entry points of the group `hactl.notify`.

The law: a plug-in is a callable (options, tools, timeout in seconds) that gives a Channel. It is found and imported while
the worker is still root, for later its files may be out of reach; one that cannot be imported is a failing channel with the
reason, never the end of the worker.
"""

from collections.abc import Callable, Mapping
from typing import Any

from notify.channels.base import Channel, Tools

GROUP = "hactl.notify"

Make = Callable[[Mapping[str, Any], Tools, float], Channel]

_found: dict[str, Make | str] = {}


def load() -> None:
    """Import every plug-in of this installation."""
    # A megabyte, with the parser of mail: only for those who have plug-ins.
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        try:
            _found[entry.name] = entry.load()
        except Exception as error:  # noqa: BLE001 - anybody's code; what is wrong with it is said by its channel
            _found[entry.name] = f"{type(error).__name__}: {error}"


def make(name: str) -> Make:
    """The plug-in of this name. Raises ValueError with the reason when there is none to be had."""
    found = _found.get(name)
    if found is None:
        known = ", ".join(sorted(_found)) or "none"
        raise ValueError(f"no installed package brings the plug-in '{name}' (entry points {GROUP}: {known})")
    if isinstance(found, str):
        raise ValueError(f"the plug-in '{name}' cannot be loaded: {found}")
    return found
