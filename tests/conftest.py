"""Marks by folder: tests/netns and tests/ipvs give their tests the mark that chooses the suite."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests of tests/netns and tests/ipvs; refuses ipvs elsewhere, where no suite would run it."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in ("netns", "ipvs"):
            item.add_marker(folder)
            item.add_marker("root")
        elif item.get_closest_marker("ipvs"):
            raise pytest.UsageError(f"{item.nodeid}: a test marked ipvs belongs in tests/ipvs")
