"""A machine on which the lab cannot run: one sentence that says what is missing, exit status 1, no traceback."""

import subprocess
from pathlib import Path

import pytest

from hactl.lab import kernel
from support.daemon import HACTL
from support.netns import AS_NOBODY, needs_namespaces

GUEST_KERNEL = Path("/usr/bin/linux.uml")
pytestmark = [pytest.mark.root, needs_namespaces]


def refused(*words: str) -> str:
    """The one line on standard error of a command that must end with 1."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done
    return done.stderr.strip()


def test_without_root() -> None:
    """The demo makes network namespaces on the running kernel."""
    told = refused(*AS_NOBODY, HACTL, "lab", "demo")
    assert told == "hactl lab: network namespaces need root's rights; run this as root"


@pytest.mark.skipif(kernel.has_ipvs(), reason="the running kernel has IPVS, so no other is needed")
@pytest.mark.skipif(not GUEST_KERNEL.exists(), reason="user-mode-linux is not installed")
@pytest.mark.parametrize("verb", ["demo", "up"])
def test_without_a_kernel(verb: str) -> None:
    """Neither IPVS nor the package; hidden here in a mount namespace of the command's own."""
    hide = f"mount --bind /dev/null {GUEST_KERNEL} && exec '{HACTL}' lab {verb}"
    told = refused("unshare", "--mount", "sh", "-c", hide)
    assert told == (
        "hactl lab: the running kernel has no usable IPVS, and Debian's package user-mode-linux is not installed; "
        "install it"
    )
