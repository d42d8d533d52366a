"""The whole plan: everything that differs between the running configuration and a new one, with its effect."""

from collections.abc import Iterator, Mapping
from typing import Any

import failover.reload as routers
from failover.spec import FailoverSpec
from hactl.config.model import Config
from hactl.plan import reload
from hactl.plan.difference import differences
from hactl.plan.model import Change, Effect, Kind, Plan, Refusal, Running, Section, change
from hactl.plan.services import service_changes

_ROUTER_EFFECTS = {
    routers.Change.START: (Kind.ADDED, Effect.START),
    routers.Change.STOP: (Kind.REMOVED, Effect.STOP),
    routers.Change.ADOPT: (Kind.CHANGED, Effect.ADOPT),
    routers.Change.RESTART: (Kind.CHANGED, Effect.RESTART),
}
_TOLD_APART = frozenset(
    {"directors", "failover", "checks", "services", "notify", "sha256", "control", "health"}
)
"""Parts of a configuration that are no plain settings; `control` and `health` are, field by field, below."""


def plan(
    file: str,
    old: Config,
    new: Config,
    running: Running,
    *,
    refused: tuple[Refusal, ...] = (),
    warnings: tuple[str, ...] = (),
    secrets: tuple[str, ...] = (),
) -> Plan:
    """What a reload of `file` would do. `refused` is all that speaks against it, `secrets` files with new content."""
    changed = (
        *_directors(old, new),
        *_routers(old.failover, new.failover, running),
        *_named(Section.GROUP, old.failover.groups, new.failover.groups),
        *_channel(old.failover, new.failover),
        *service_changes(old, new, running),
        *_notify(old, new),
        *_settings(old, new),
        *(
            change(Section.SECRET, file, Kind.CHANGED, Effect.AT_ONCE, note="other content")
            for file in secrets
        ),
    )
    return Plan(file=file, ok=not refused, changes=changed, refused=refused, warnings=warnings)


def _directors(old: Config, new: Config) -> Iterator[Change]:
    yield from _named(Section.DIRECTOR, old.directors, new.directors)


def _named(section: Section, old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[Change]:
    """Things that are known by a name and follow at once."""
    before, after = ({item.name: item for item in items} for items in (old, new))
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield change(section, name, Kind.REMOVED, Effect.AT_ONCE)
        elif name not in before:
            yield change(section, name, Kind.ADDED, Effect.AT_ONCE)
        elif before[name] != after[name]:
            found = differences(before[name], after[name])
            yield change(section, name, Kind.CHANGED, Effect.AT_ONCE, differences=found)


def _routers(old: FailoverSpec, new: FailoverSpec, running: Running) -> Iterator[Change]:
    before, after = ({spec.name: spec for spec in failover.routers} for failover in (old, new))
    for name, what in routers.changes(old, new).items():
        kind, effect = _ROUTER_EFFECTS[what]
        both = name in before and name in after
        found = differences(before[name], after[name]) if both else ()
        ends = effect in (Effect.STOP, Effect.RESTART)
        note = "it is master here" if ends and name in running.masters else ""
        yield change(Section.ROUTER, name, kind, effect, note=note, differences=found)


def _channel(old: FailoverSpec, new: FailoverSpec) -> Iterator[Change]:
    if old.channel == new.channel:
        return
    if old.channel is None:
        yield change(
            Section.PEER, "peer", Kind.ADDED, Effect.AT_ONCE, note="the directors' channel is opened"
        )
    elif new.channel is None:
        yield change(
            Section.PEER, "peer", Kind.REMOVED, Effect.AT_ONCE, note="the directors' channel is closed"
        )
    else:
        found = differences(old.channel, new.channel)
        yield change(Section.PEER, "peer", Kind.CHANGED, Effect.AT_ONCE, differences=found)


def _notify(old: Config, new: Config) -> Iterator[Change]:
    for one in _named(Section.CHANNEL, old.notify.channels, new.notify.channels):
        gone = one.kind is Kind.REMOVED
        yield change(one.section, one.name, one.kind, Effect.CHANNEL_OFF) if gone else one


def _settings(old: Config, new: Config) -> Iterator[Change]:
    """Everything else, a setting a line."""
    later = reload.later_paths(old, new)
    fixed = reload.fixed_paths(old, new)
    found = [
        *differences(old, new, without=_TOLD_APART),
        *differences(old.health, new.health, prefix="health"),
        *differences(old.control, new.control, prefix="control"),
        *differences(old.notify, new.notify, without=("channels",)),
    ]
    for one in found:
        effect = (
            Effect.NEVER if one.path in fixed else Effect.NEXT_START if one.path in later else Effect.AT_ONCE
        )
        yield change(Section.SETTING, one.path, Kind.CHANGED, effect, differences=(one,))


def secrets_changed(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Secret files that both configurations use and whose content is another now."""
    return tuple(file for file in new if file in old and old[file] != new[file])
