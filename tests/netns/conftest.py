"""What several tests in namespaces need."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.doctor import Ward, ward


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may write to; above pytest's own is one that only root may pass."""
    with tempfile.TemporaryDirectory(prefix="hactl-t") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Ward]:
    """A cluster by nat."""
    with ward(tmp_path) as made:
        yield made
