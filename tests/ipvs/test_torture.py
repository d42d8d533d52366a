"""A piece of the campaign on an IPVS table (`make torture`) with a fixed seed."""

import pytest
from torture import table


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_faults_on_the_table() -> None:
    """After each round the table is as wished, and every request is answered."""
    assert table.main(["--seed", "1", "--seconds", "60"]) == 0
