"""Taking on a configuration while running: all of it or nothing.

Owns the order of the steps (load, judge, let every worker prepare, adopt) and what is answered. What may not change is
decided in `hactl.plan.reload`.
"""

import gc
from typing import TYPE_CHECKING

from hactl.config.reading import Reading
from hactl.config.sharing import sharing
from hactl.control.commands import ReloadAnswer
from hactl.events import plain
from hactl.plan import reload as rules
from hactl.secrets.files import read_secrets
from notify.event import EventKind

if TYPE_CHECKING:
    from hactl.supervisor.supervisor import Supervisor


async def reload(daemon: "Supervisor", path: str | None, *, force: bool, by: str) -> ReloadAnswer:
    """Take on the daemon's own file again, or another one."""
    async with daemon.reloading:
        # What is read makes no rings, and the collector would look through all of it several times.
        gc.disable()
        try:
            return await _reload(daemon, await daemon.load_file(path), force=force, by=by)
        finally:
            gc.enable()


async def _reload(daemon: "Supervisor", loaded: Reading, *, force: bool, by: str) -> ReloadAnswer:
    warnings = tuple(str(warning) for warning in loaded.warnings)
    if loaded.config is None:
        faults = tuple(str(fault) for fault in loaded.faults)
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
        reason = loaded.stranger or f"{count} in {loaded.path}"
        return _rejected(daemon, reason, by, faults=faults, warnings=warnings)
    before = daemon.config
    config = sharing(before, loaded.config)
    refused = rules.refusal(before, config, force=force)
    secrets = read_secrets(config)
    if refused is None:
        refused = await daemon.crew.generations.prepare(config, secrets)
    if daemon.stopping:
        refused = "the daemon is stopping"
    if refused is not None:
        return _rejected(daemon, refused, by, warnings=warnings)
    changed = daemon.adopt(config, secrets, by)
    return ReloadAnswer(ok=True, changes=changed, warnings=(*warnings, *rules.later(before, config)))


def _rejected(
    daemon: "Supervisor",
    reason: str,
    by: str,
    *,
    faults: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> ReloadAnswer:
    first = f": {faults[0]}" if faults else ""
    text = f"{reason}{first} (by {by})"
    daemon.emit(plain(EventKind.CONFIG_REJECTED, daemon.config.cluster, text))
    return ReloadAnswer(ok=False, faults=faults, warnings=warnings, refused=reason)
