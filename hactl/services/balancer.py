"""The services of this director: from verdicts and wishes to the table the kernel should hold.

Owns the running state of services and joins the pure steps (update, carry, policy) to the reconciler. It decides nothing
itself. While no verdict arrives nothing changes.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from hactl import modules, store
from hactl.config.model import Config
from hactl.dues import Dues
from hactl.events import Occurrence, of_change, of_repair
from hactl.ipvs import ownership, policy
from hactl.ipvs.inherit import adopt, carry
from hactl.ipvs.kernel import Kernel, read_at_start
from hactl.ipvs.model import ServiceCounters, ServiceKey, Table, service_key
from hactl.ipvs.passes import Mended, Refusal, Refused, Repaired
from hactl.ipvs.reconciler import Faulty, Reconciler, Report, SettingsRepaired, Unusable, Usable
from hactl.ipvs.update import due, update
from hactl.ipvs.words import intent
from hactl.ipvs.words import refusal as refusal_words
from hactl.services.batching import Batches
from hactl.services.latest import Latest
from hactl.services.state import Services, State, Update, index
from hactl.wishes import drains
from hactl.wishes.overrides import Admin, Overrides
from health.result import Outcome, Repeats

DRAIN_PERIOD = 1.0
"""Seconds between two looks at the connections of servers that are drained to be removed."""
OWNED_FILE = "ipvs-services.json"


class Balancer:
    """Keeps the table of one director. `emit` takes events, `log` lines; `moved` hears how services are,
    and why the kernel refuses some of them altogether, after each change."""

    def __init__(
        self,
        config: Config,
        overrides: Overrides,
        emit: Callable[[Occurrence], None],
        moved: Callable[[State, Mapping[str, str]], None],
        log: Any,
    ) -> None:
        self.state = State()
        self.outcomes = Latest()
        self._services: Services = index(config.services)
        self._overrides = overrides
        self._holding: frozenset[str] = frozenset()
        self._table: dict[ServiceKey, Any] = {}
        self._emit = emit
        self._tell_moved = moved
        self._log = log
        self._spec = config.ipvs
        self._owned_path = Path(config.state_dir) / OWNED_FILE
        self._kernel = Kernel(load_module=modules.load)
        self._reconciler: Reconciler | None = None
        self.trouble = ""
        self._dues = Dues(lambda names: self._examine((), names))
        self._batches = Batches(self._examine)
        self._ended: frozenset[drains.Drain] = frozenset()
        self._modules = modules.Modules(log)

    async def start(self) -> None:
        """Adopt what the kernel holds already; without IPVS begin with nothing and try again later.

        Raises IpvsError when the kernel has a table that cannot be read: to begin with nothing then would take
        servers out that serve.
        """
        held: Table = await read_at_start(self._kernel)
        self.state = adopt(self._services, held, time.monotonic())
        self._reconciler = Reconciler(
            self._kernel,
            report=self._on_report,
            store_owned=self._store_owned,
            owned=self._load_owned(),
            spec=self._spec,
        )
        self._step(update(self.state, self._services, {}, self._effective, time.monotonic()))
        self._wish(self._services.specs)

    async def run(self) -> None:
        """Reconcile until cancelled."""
        assert self._reconciler is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reconciler.run())
            group.create_task(self._look_after())

    def close(self) -> None:
        """Leave the table as it is: the kernel goes on forwarding."""
        self._dues.close()
        self._batches.close()
        self._kernel.close()

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """The latest results of checks, most of them without a change of verdict.

        Those of checks that no service has are of a worker that is behind, or of one that was turned; or somebody else's.
        """
        changed = set()
        watched = set()
        for told in outcomes:
            if told.check not in self._services.by_check:
                continue
            before, outcome = self.outcomes.take(told)
            if before is None or _said(before) != _said(outcome):
                changed.add(outcome.check)
            if self._dues:
                watched |= {name for name, _ in self._services.by_check[outcome.check] if name in self._dues}
        self._batches.add(changed, watched)

    def repeat(self, again: Repeats) -> None:
        """Results that differ from those before by their times only."""
        self.outcomes.again(again.checks, again.at, again.elapsed)
        if self._dues:
            users = (name for check in again.checks for name, _ in self._services.by_check.get(check, ()))
            self._batches.add((), {name for name in users if name in self._dues})

    def set_overrides(self, overrides: Overrides) -> None:
        """What operators want of servers from now on."""
        self._overrides = overrides
        self._ended &= {drain for drain, _ in drains.finishing(overrides, self._services.specs)}
        self._examine(None)

    def set_holding(self, vips: Collection[str]) -> None:
        """The VIPs that this director holds now."""
        if self._holding == frozenset(vips):
            return
        self._holding = frozenset(vips)
        self._wish([name for name, spec in self._services.specs.items() if spec.while_holding])

    def apply(self, config: Config) -> None:
        """A reload: what did not change keeps its state, counters and place in the table."""
        now = time.monotonic()
        services = index(config.services)
        self.state = carry(self.state, self._services, services, now)
        gone = {service_key(spec) for spec in self._services.specs.values()}
        changed = [name for name, spec in services.specs.items() if spec != self._services.specs.get(name)]
        self._services = services
        self.outcomes.keep(services.by_check)
        gone -= {service_key(spec) for spec in services.specs.values()}
        # Another object: the one before is the wish of a pass that may be under way.
        self._table = {key: entry for key, entry in self._table.items() if key not in gone}
        step = update(self.state, services, self.outcomes, self._effective, now, checks=(), names=changed)
        self._step(step)
        self._dues.keep(services.specs)
        self._wish(set(changed).difference(step.touched))
        self._moved()
        if self._reconciler is not None and config.ipvs != self._spec:
            self._reconciler.configure(config.ipvs)
        self._spec = config.ipvs

    @property
    def users(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Who uses each check, by its id."""
        return self._services.by_check

    @property
    def held(self) -> Table:
        """What the kernel holds of ours as far as is known."""
        return self._reconciler.held if self._reconciler else {}

    async def counters(self) -> Mapping[ServiceKey, ServiceCounters]:
        """Connections and sums of our services, at most a second old."""
        return await self._reconciler.counters() if self._reconciler else {}

    def refusals(self) -> dict[str, str]:
        """What the kernel refuses now: a sentence for each service by name."""
        if self._reconciler is None:
            return {}
        return {self._name(r.op.key): self._refusal_text(r) for r in self._reconciler.refused}

    def unserved(self) -> dict[str, str]:
        """The services that the kernel refuses altogether, by name, each with a sentence."""
        specs, held = self._services.specs, self.held
        return {
            name: text
            for name, text in self.refusals().items()
            if name in specs and service_key(specs[name]) not in held
        }

    # ---- draining ---------------------------------------------------------------------------------------------

    def _effective(self, service: str, server: str) -> tuple[Admin, int | None]:
        """What operators want of a server; one that is drained to be removed is out once its connections have ended."""
        admin, weight = self._overrides.effective(service, server)
        if self._ended and any((each.service, each.server) == (service, server) for each in self._ended):
            admin = Admin.DISABLED
        return admin, weight

    async def _look_after(self) -> None:
        while True:
            await self._modules.ensure(self._services.specs.values())
            await asyncio.sleep(DRAIN_PERIOD)
            running = frozenset(drain for drain, _ in drains.finishing(self._overrides, self._services.specs))
            if running - self._ended:
                counters = await self._counted_now()
                over = drains.ended(self._overrides, self._services.specs, counters, time.time())
                self._end_drains(over | (self._ended & running))
            elif self._ended - running:
                self._end_drains(running)

    async def _counted_now(self) -> Mapping[ServiceKey, ServiceCounters]:
        """Counters from when no new connection came any more: an earlier look may not know of the last one. Empty while
        the kernel cannot be read."""
        return (await self._reconciler.count_now() if self._reconciler else None) or {}

    def _end_drains(self, over: frozenset[drains.Drain]) -> None:
        """Once ended is ended, as long as the wish stands."""
        for drain in over - self._ended:
            self._log.info(f"{drain.server}@{drain.service}: drained, out of the table")
        if over != self._ended:
            self._ended = over
            self._examine(None)

    # ---- steps --------------------------------------------------------------------------------------------------

    def _examine(self, checks: Collection[str] | None, names: Collection[str] = ()) -> None:
        now = time.monotonic()
        effective = self._effective
        self._step(
            update(self.state, self._services, self.outcomes, effective, now, checks=checks, names=names)
        )
        self._wait_for(names)

    def _step(self, step: Update) -> None:
        self.state = step.state
        for change in step.changes:
            self._emit(of_change(change))
        if step.touched:
            self._wish(step.touched)
            self._moved()
            self._wait_for(step.touched)

    def _wait_for(self, names: Collection[str]) -> None:
        """Look at these services again when time alone will have changed something."""
        known, specs = self.state.services, self._services.specs
        self._dues.set(
            {name: due(known[name], specs[name]) for name in names if name in known and name in specs}
        )

    def _moved(self) -> None:
        self._tell_moved(self.state, self.unserved())

    def _wish(self, names: Iterable[str]) -> None:
        self._table = policy.renew(self._table, self._services, self.state, self._holding, names)
        if self._reconciler is not None:
            self._reconciler.wish(self._table)

    # ---- reports and records ------------------------------------------------------------------------------------

    def _on_report(self, report: Report) -> None:
        match report:
            case Repaired():
                self._emit(of_repair(report, self._name))
            case Refused(refusal):
                self._log.warning(f"IPVS refuses: {self._refusal_text(refusal)}")
                self._moved()
            case Mended(refusal):
                self._log.info(f"IPVS has taken what it refused: {intent(refusal.op, self._name)}")
                self._moved()
            case Unusable(text):
                self.trouble = text
                self._log.error(f"IPVS cannot be used: {text}")
            case Usable(version):
                self.trouble = ""
                self._log.info(f"IPVS {version} is in use")
            case Faulty(text):
                self._log.warning(text)
            case SettingsRepaired(texts):
                self._log.warning("IPVS settings put right: " + "; ".join(texts))

    def _name(self, key: ServiceKey) -> str:
        names = (name for name, spec in self._services.specs.items() if service_key(spec) == key)
        return next(names, str(key))

    def _refusal_text(self, refusal: Refusal) -> str:
        return refusal_words(refusal.op, refusal.code, refusal.text, self._name)

    async def _store_owned(self, owned: ownership.Owned) -> None:
        await store.keep(self._owned_path, ownership.encode(owned))

    def _load_owned(self) -> ownership.Owned:
        try:
            kept = store.read(self._owned_path)
            return ownership.decode(kept) if kept is not None else frozenset()
        except (OSError, ValueError) as error:
            self._log.warning(f"the record of our IPVS services is lost, others are left alone: {error}")
            return frozenset()


def _said(outcome: Outcome) -> tuple[object, ...]:
    """What of an outcome is shown as a reason or has an effect."""
    result = outcome.result
    return outcome.health, result.reason, outcome.damped, outcome.held, result.advice
