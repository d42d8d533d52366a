"""What several tests of the control socket and the page need."""

from collections.abc import Iterator

import pytest

from support.fake_page import FakePage, fake_page


@pytest.fixture
def page() -> Iterator[FakePage]:
    """A page that answers."""
    with fake_page() as running:
        yield running
        assert running.faults == []
