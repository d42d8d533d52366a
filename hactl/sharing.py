"""Which health worker runs which check; core."""

from collections.abc import Iterable

from health.spec import CheckSpec


def share(checks: Iterable[CheckSpec], number: int, count: int) -> tuple[CheckSpec, ...]:
    """The checks of health worker `number` of `count`, by a stable hash so that a reload moves none."""
    if count == 1:
        return tuple(checks)
    return tuple(check for check in checks if int(check.id, 16) % count == number)
