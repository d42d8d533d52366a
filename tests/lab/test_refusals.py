"""A machine on which the lab cannot run: one sentence that says what is missing, exit status 1, no traceback."""

import subprocess

import pytest

from support.daemon import HACTL
from support.netns import AS_NOBODY, needs_namespaces

HIDE = "test ! -e /usr/bin/linux.uml || mount --bind /dev/null /usr/bin/linux.uml"
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


@pytest.mark.parametrize("verb", ["demo", "up"])
def test_without_a_kernel(verb: str) -> None:
    """Neither IPVS that may be used nor the package: both are taken from this command alone."""
    deprived = f"setpriv --inh-caps=-net_admin --bounding-set=-net_admin '{HACTL}' lab {verb}"
    told = refused("unshare", "--mount", "sh", "-c", f"{HIDE}; exec {deprived}")
    assert told == (
        "hactl lab: the running kernel has no usable IPVS, and Debian's package user-mode-linux is not installed; "
        "install it"
    )
