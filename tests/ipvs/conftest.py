"""Every test here has an IPVS table of its own: a network namespace that nothing else uses."""

from collections.abc import Iterator

import pytest

from hactl.ipvs.kernel import Kernel
from support.ipvs_namespace import fresh_namespace


@pytest.fixture(autouse=True)
def namespace() -> Iterator[None]:
    """The test runs in a fresh network namespace."""
    with fresh_namespace():
        yield


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """The kernel's table of that namespace."""
    opened = Kernel()
    yield opened
    opened.close()
