"""What a new configuration changes, in words, and whether it may be applied to a running daemon; core.

The law: what cannot change while running is refused by name, and a reload that would take away more than half of all
servers is refused unless forced.
"""

from collections.abc import Callable, Iterator
from typing import Any

from hactl.config.model import Config
from hactl.ipvs.spec import ServiceSpec
from hactl.plan.difference import ABSENT, shown, walk
from hactl.plan.model import Refusal, RefusalReason
from hactl.processes.allowed import marks
from hactl.secrets.masks import is_hidden

_FIXED: tuple[tuple[str, str, Callable[[Config], object]], ...] = (
    ("cluster", "cluster", lambda config: config.cluster),
    ("node", "the director's name", lambda config: config.node),
    ("state_dir", "state_dir", lambda config: config.state_dir),
    ("control.socket", "control.socket", lambda config: config.control.socket),
)
_LATER: tuple[tuple[str, Callable[[Config], object]], ...] = (
    ("health.user", lambda config: config.health.user),
    ("health.workers", lambda config: config.health.workers),
    ("control.group", lambda config: config.control.group),
)
_IGNORED = frozenset({"sha256"})


def refusals(old: Config, new: Config) -> tuple[Refusal, ...]:
    """Everything that speaks against this reload, the weightiest first."""
    return tuple(_refusals(old, new))


def refusal(old: Config, new: Config, *, force: bool) -> str | None:
    """Why this reload is refused, None when it may go on."""
    return next((one.text for one in refusals(old, new) if not (force and one.forceable)), None)


def _refusals(old: Config, new: Config) -> Iterator[Refusal]:
    for _path, words, value in _FIXED:
        if value(old) != value(new):
            text = f"{words} cannot change while running; restart the daemon"
            yield Refusal(reason=RefusalReason.FIXED, text=text)
    if marks(new) and not marks(old):
        text = (
            "checks with mark need a right that the health workers were started without; restart the daemon"
        )
        yield Refusal(reason=RefusalReason.FIXED, text=text)
    before, gone = _removed(old, new)
    if gone * 2 > before and gone > 1:
        text = f"it would remove {gone} of {before} servers; --force if that is meant"
        yield Refusal(reason=RefusalReason.MASS_REMOVAL, text=text, forceable=True)


def fixed_paths(old: Config, new: Config) -> frozenset[str]:
    """What differs and cannot change while running."""
    return frozenset(path for path, _, value in _FIXED if value(old) != value(new))


def later_paths(old: Config, new: Config) -> tuple[str, ...]:
    """What differs and takes effect when the daemon is started again."""
    return tuple(path for path, value in _LATER if value(old) != value(new))


def later(old: Config, new: Config) -> tuple[str, ...]:
    """Warnings of changes that a running daemon takes on at its next start only."""
    return tuple(f"{path} takes effect when the daemon is started again" for path in later_paths(old, new))


def _removed(old: Config, new: Config) -> tuple[int, int]:
    """How many servers there were, and how many of them are none any more."""
    after = {service.name: service for service in new.services}
    total = gone = 0
    for service in old.services:
        before, other = _servers(service), after.get(service.name)
        total += len(before)
        if other is not service:
            gone += len(before - _servers(other) if other is not None else before)
    return total, gone


def _servers(service: ServiceSpec) -> set[tuple[str, int]]:
    return {(server.address, server.port) for server in service.servers}


def changes(old: Config, new: Config) -> tuple[str, ...]:
    """Every difference as a line such as "routers.web.priority: 150 -> 140"; empty when nothing changed."""
    return tuple(_line(*found) for found in walk(old, new, without=_IGNORED))


def _line(path: str, old: Any, new: Any) -> str:
    if new is ABSENT:
        return f"{path}: removed"
    if old is ABSENT:
        return f"{path}: added"
    if is_hidden(path):
        return f"{path}: changed"
    return f"{path}: {shown(path, old) or 'none'} -> {shown(path, new) or 'none'}"
