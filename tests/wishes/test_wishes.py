"""What operators asked, as it is kept and as a peer brings it."""

from pathlib import Path

import pytest

from hactl.peers.peers import Word
from hactl.wishes.overrides import Admin, Override
from hactl.wishes.wishes import Wishes
from support.ipvs_random import Quiet

DRAIN = Override(server="rs1", admin=Admin.DRAIN, until=100.0, at=50.0, revision=3)


@pytest.mark.parametrize(("now", "admin"), [(99.0, Admin.DRAIN), (100.0, Admin.ENABLED)])
def test_what_has_ended_here_is_not_brought_back_by_a_slower_clock(
    tmp_path: Path, now: float, admin: Admin
) -> None:
    """A peer's word still has an override whose deadline has passed by our clock: not even for a moment is it in force."""
    seen: list[Admin] = []
    wishes = Wishes(tmp_path, Quiet(), lambda: seen.append(wishes.overrides.effective("www", "rs1")[0]))
    wishes.hear("lb2", Word(config="x", revision=3, overrides=(DRAIN,)), now)
    assert wishes.overrides.effective("www", "rs1")[0] is admin
    assert set(seen) == {admin}
    assert wishes.overrides.revision == 3
