"""The latest outcome of each check, as the health worker told it; core.

Its law: what a check says is told in full when it is new. That it passed again is told as a time alone, and joins its
outcome only when somebody asks: most of ten thousand outcomes a second are never looked at.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from health.result import Outcome, remembering


class Latest(Mapping[str, Outcome]):
    """Outcomes by `CheckSpec.id`."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}
        self._again: dict[str, tuple[float, float]] = {}

    def __getitem__(self, check: str) -> Outcome:
        outcome = self._outcomes[check]
        if (again := self._again.pop(check, None)) is not None:
            at, elapsed = again
            result = msgspec.structs.replace(outcome.result, elapsed=elapsed)
            outcome = self._outcomes[check] = msgspec.structs.replace(outcome, at=at, result=result)
        return outcome

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def take(self, told: Outcome) -> tuple[Outcome | None, Outcome]:
        """What was known, and what is known now."""
        before = self._outcomes.get(told.check)
        self._again.pop(told.check, None)
        self._outcomes[told.check] = now = remembering(before, told)
        return before, now

    def again(self, checks: Iterable[str], at: Iterable[float], elapsed: Iterable[float]) -> None:
        """These ended as before, at these times; one of which nothing is known says nothing."""
        known = self._outcomes
        for check, times in zip(checks, zip(at, elapsed, strict=False), strict=False):
            if check in known:
                self._again[check] = times

    def keep(self, checks: Collection[str]) -> None:
        """Forget all others."""
        self._outcomes = {check: outcome for check, outcome in self._outcomes.items() if check in checks}
        self._again = {check: times for check, times in self._again.items() if check in checks}
