"""What all witnesses together allow each router; core.

The law: a witness counts for a while after it was last seen, and nobody's silence counts as a word. Before every witness was
asked once nothing is said at all.
"""

from collections.abc import Iterable, Mapping

from failover.permit import Permit
from hactl.witness.lease import Lease
from hactl.witness.spec import WitnessesSpec
from hactl.witness.view import WitnessesView, WitnessView, unseen
from health.result import Outcome, Repeats

FIRST = 3.0
"""Seconds after which those that have not answered yet are missing."""
NEVER = float("-inf")


class Gathering:
    """Of one director; `now` is when it begins. `trusted`: what is asked for the first time counts as seen until then."""

    def __init__(self, spec: WitnessesSpec, now: float, trusted: bool = False) -> None:
        self.spec = spec
        self._began = now
        self._names = {one.check.id: one.name for one in spec.seen}
        self._until: dict[str, float] = {}
        if trusted:
            self._until = dict.fromkeys(self._names, now + spec.patience)
        self._why: dict[str, str] = {}

    def change(self, spec: WitnessesSpec, now: float) -> None:
        """A reload: a witness that is new counts as seen until it was asked, for the pair serves already."""
        names = {one.check.id: one.name for one in spec.seen}
        self._until = {id_: self._until.get(id_, now + spec.patience) for id_ in names}
        self.spec, self._names = spec, names

    def learn(self, outcomes: Iterable[Outcome], now: float, shift: float) -> bool:
        """Results of checks; their times are `shift` behind ours. Whether some of them are a witness's."""
        ours = [outcome for outcome in outcomes if outcome.check in self._names]
        for outcome in ours:
            if outcome.result.passed:
                self._until[outcome.check] = min(outcome.at + shift, now) + self.spec.patience
                self._why.pop(outcome.check, None)
            else:
                self._until.setdefault(outcome.check, NEVER)
                self._why[outcome.check] = outcome.result.reason.text
        return bool(ours)

    def repeat(self, again: Repeats, now: float, shift: float) -> bool:
        """Checks that passed once more; their times are `shift` behind ours. Whether some of them are a witness's."""
        ours = [(id_, at) for id_, at in zip(again.checks, again.at, strict=True) if id_ in self._names]
        for id_, at in ours:
            self._until[id_] = min(at + shift, now) + self.spec.patience
            self._why.pop(id_, None)
        return bool(ours)

    def permits(self, leases: Mapping[str, Lease], routers: Iterable[str], now: float) -> dict[str, Permit]:
        """By router. `leases` are those of the arbiter's keys."""
        untold = len(self._until) < len(self._names) and now < self._began + FIRST
        if untold:
            return {}
        found: dict[str, Permit] = {}
        for router in routers:
            lease = leases.get(self.spec.keys.get(router, ""))
            if self.spec.arbiter is not None and lease is None:
                continue
            if lease is not None and lease.seen_until() == NEVER and now < self._began + FIRST:
                continue
            found[router] = self._permit(lease, now)
        return found

    def view(self, now: float, leases: Mapping[str, Lease]) -> WitnessesView:
        """For status. Of the arbiter's keys the one that lags speaks for it."""
        worst = min(leases.values(), key=lambda lease: lease.seen_until(), default=None)
        shown = self._view(now, worst)
        if self.spec.arbiter is not None:
            shown["holders"] = {
                router: leases[key].holder.split(" ")[0]
                for router, key in self.spec.keys.items()
                if key in leases
            }
        return shown

    def _view(self, now: float, lease: Lease | None) -> WitnessesView:
        targets: dict[str, WitnessView] = {}
        for id_, name in self._names.items():
            seen = now < self._until.get(id_, NEVER)
            targets[name] = {"seen": seen, "reason": "" if seen else self._why.get(id_, "")}
        if self.spec.arbiter is not None:
            seen = lease is not None and now < lease.seen_until()
            trouble = lease.trouble if lease is not None and not seen else ""
            targets[self.spec.arbiter.name] = {"seen": seen, "reason": trouble}
        return {"need": self.spec.need, "targets": targets}

    def _permit(self, lease: Lease | None, now: float) -> Permit:
        untils = [self._until.get(id_, NEVER) for id_ in self._names]
        if lease is not None:
            untils.append(lease.seen_until())
        seen = sorted(untils, reverse=True)[self.spec.need - 1]
        if lease is None:
            return Permit(seen_until=seen, reason=self._reason(now), lacks=self._reason(max(now, seen)))
        seen = min(seen, lease.seen_until())
        return Permit(
            seen_until=seen,
            key_until=lease.until(),
            claim=lease.claim,
            reason=self._reason(now, lease),
            lacks=self._reason(max(now, seen), lease),
        )

    def _reason(self, now: float, lease: Lease | None = None) -> str:
        shown = self._view(now, lease)
        gone, total = unseen(shown), len(shown["targets"])
        if gone:
            return f"{', '.join(gone)} ({total - len(gone)} of {total} seen, {self.spec.need} needed)"
        if lease is not None and lease.holder not in ("", lease.me):
            return f"{lease.holder.split(' ')[0]} has the lease"
        return ""
