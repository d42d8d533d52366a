"""Which health worker runs which check; core."""

from collections.abc import Iterable

from health.spec import CheckSpec


def share(checks: Iterable[CheckSpec], number: int, count: int) -> tuple[CheckSpec, ...]:
    """The checks of health worker `number` of `count`, by a stable hash so that a reload moves none."""
    if count == 1:
        return tuple(checks)
    return tuple(check for check in checks if int(_root(check), 16) % count == number)


def _root(check: CheckSpec) -> str:
    """A check goes where those are that it depends on, or that are done together with it."""
    return check.need.root if check.need is not None else check.together or check.id
