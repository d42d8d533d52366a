"""The golden packets of tests/failover are what keepalived sends today."""

import subprocess

import pytest

from support import packets
from support.keepalived import PROGRAM
from support.keepalived_packets import capture
from support.netns import needs_namespaces

pytestmark = needs_namespaces


def test_the_golden_packets_are_captured_again() -> None:
    """Byte for byte, sender, destination and TTL included, from the version that the file names."""
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stderr
    if "v2.2.7" not in version:
        pytest.skip("another keepalived than the file's")
    assert capture() == packets.read(packets.KEEPALIVED)
