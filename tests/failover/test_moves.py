"""The table of legal moves, whole: each state with each cause."""

import pytest

from failover.actions import Changed
from failover.moves import MOVES, Cause, IllegalMove, State, move
from failover.router import Router, become
from support.failover import router_spec

INIT, BACKUP, MASTER, FAULT = State.INIT, State.BACKUP, State.MASTER, State.FAULT

LEGAL = {
    (INIT, Cause.STARTED): BACKUP,
    (INIT, Cause.FAULT_FOUND): FAULT,
    (BACKUP, Cause.OWNER): MASTER,
    (BACKUP, Cause.MASTER_SILENT): MASTER,
    (BACKUP, Cause.MASTER_RELEASED): MASTER,
    (BACKUP, Cause.MASTER_GONE): MASTER,
    (BACKUP, Cause.ASKED): MASTER,
    (BACKUP, Cause.PREEMPTING): MASTER,
    (BACKUP, Cause.FAULT_FOUND): FAULT,
    (BACKUP, Cause.STOPPED): INIT,
    (MASTER, Cause.OUTRANKED): BACKUP,
    (MASTER, Cause.OVERTAKEN): BACKUP,
    (MASTER, Cause.LEASE_LAPSED): BACKUP,
    (MASTER, Cause.HANDED_OVER): BACKUP,
    (MASTER, Cause.GROUP_YIELDED): BACKUP,
    (MASTER, Cause.FAULT_FOUND): FAULT,
    (MASTER, Cause.STOPPED): INIT,
    (FAULT, Cause.FAULT_MENDED): BACKUP,
    (FAULT, Cause.STOPPED): INIT,
}
EVERY = [(state, cause) for state in State for cause in Cause]


def router_in(state: State) -> Router:
    """A router in a state, with a timer of every kind running."""
    router = Router(spec=router_spec(), address=b"\x0a\x63\0\x05", grouped=False, priority=100)
    router.state, router.since, router.cause, router.detail = state, 1.0, Cause.STARTED, "before"
    router.down_at = router.advert_at = router.confirm_by = router.preempt_at = router.give_up_at = 5.0
    router.wanting = router.releasing = router.stopping = router.holding = True
    router.release_due = [5.0]
    return router


def remembered(router: Router) -> dict[str, object]:
    """Everything in the record."""
    return {name: getattr(router, name) for name in Router.__slots__}


@pytest.mark.parametrize(("state", "cause"), EVERY)
def test_each_state_with_each_cause(state: State, cause: Cause) -> None:
    """A legal move leads where the table says; any other raises, and nothing has changed."""
    router = router_in(state)
    before = remembered(router)
    if (state, cause) not in LEGAL:
        with pytest.raises(IllegalMove, match=f"{state} does not move by {cause}"):
            become(router, cause, 2.0, "why")
        assert remembered(router) == before
        return
    (changed,) = become(router, cause, 2.0, "why")
    assert router.state is LEGAL[state, cause] is move(state, cause)
    assert (router.since, router.cause, router.detail, router.transitions) == (2.0, cause, "why", 1)
    assert router.deadline() is None
    assert (router.wanting, router.releasing, router.stopping) == (False, False, False)
    assert router.holding, "what the kernel holds does not change with the state alone"
    assert isinstance(changed, Changed)
    assert changed.old is state
    assert changed.reason == f"{cause.text}: why"


def test_the_table_has_no_further_move() -> None:
    """The moves listed here are all there are."""
    assert {(state, cause): to for state, row in MOVES.items() for cause, to in row.items()} == LEGAL


def test_every_cause_is_used_and_has_a_text() -> None:
    """No cause is left over, and people are told each in words."""
    assert {cause for _, cause in LEGAL} == set(Cause)
    assert all(cause.text for cause in Cause)
