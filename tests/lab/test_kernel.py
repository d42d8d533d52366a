"""The choice of a kernel follows from facts alone."""

import msgspec
import pytest

from hactl.lab.kernel import Facts, NoKernelError, Place, choose

EVERYTHING = Facts(ipvs=True, ipip=True, admin=True, guest_kernel=True)


def test_the_running_kernel_comes_first() -> None:
    """With IPVS here and the right to use it, no guest is booted."""
    assert choose(EVERYTHING) is Place.HERE


@pytest.mark.parametrize("lost", ["ipvs", "ipip", "admin"])
def test_anything_missing_here_means_a_guest(lost: str) -> None:
    """IPVS, tunnels and privileges are all needed here."""
    assert choose(msgspec.structs.replace(EVERYTHING, **{lost: False})) is Place.GUEST


def test_no_kernel_at_all_is_a_clear_sentence() -> None:
    """With neither, the operator reads which package is missing."""
    with pytest.raises(NoKernelError, match="user-mode-linux"):
        choose(Facts(ipvs=False, ipip=True, admin=True, guest_kernel=False))
