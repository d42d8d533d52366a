"""One service: whether enough of its servers are fit, and its state in words.

The law: quorum has hysteresis, and is never lost while an enabled server has no verdict.
"""

from collections.abc import Iterable

from hactl.ipvs.spec import ServiceSpec
from hactl.services.state import Availability, Quorum, ServiceState
from hactl.wishes.overrides import Admin


def next_quorum(old: Quorum, weight: int, *, waiting: bool, spec: ServiceSpec) -> Quorum:
    """Quorum with hysteresis: gained at `quorum_up`, lost at `quorum_down`, never lost before all verdicts are in."""
    if old is Quorum.HELD:
        return Quorum.LOST if weight <= spec.quorum_down and not waiting else Quorum.HELD
    if weight >= spec.quorum_up:
        return Quorum.HELD
    return Quorum.UNKNOWN if old is Quorum.UNKNOWN and waiting else Quorum.LOST


def judge_service(state: ServiceState, spec: ServiceSpec, weight: int) -> tuple[Availability, str]:
    """The availability and the reason for it; `weight` is what counts for the quorum."""
    missed = {name: server for name, server in state.servers.items() if server.missed}
    if state.quorum is Quorum.LOST:
        text = _loss_text(state, spec, weight)
        panic = state.panic_until is not None
        return Availability.DOWN, f"{text}; panic: failing servers stay in the table" if panic else text
    if state.quorum is Quorum.UNKNOWN:
        awaited = [name for name, server in state.servers.items() if server.awaited]
        serving = any(server.counted for server in state.servers.values())
        word = Availability.DEGRADED if serving else Availability.DOWN
        return word, f"waiting for the first verdict of {_names(awaited)}"
    enabled = sum(server.admin == Admin.ENABLED for server in state.servers.values())
    count = f"{enabled - len(missed)} of {enabled} enabled servers up"
    if not missed:
        return Availability.UP, count
    return (
        Availability.DEGRADED,
        f"{count}; {_names(f'{name}: {server.reason}' for name, server in missed.items())}",
    )


def _loss_text(state: ServiceState, spec: ServiceSpec, weight: int) -> str:
    if not spec.servers:
        lost = "it has no servers"
    else:
        lost = f"quorum lost: weight {weight} of healthy, enabled servers, {spec.quorum_up} needed"
    if state.sorry is None:
        return lost
    return f"{lost}; the sorry server {'serves' if state.sorry_serves else f'cannot serve: {state.sorry.reason}'}"


def _names(names: Iterable[str], limit: int = 3) -> str:
    shown = list(names)
    rest = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {rest} more" if rest > 0 else "")
