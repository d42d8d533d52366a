"""Traffic and the kernel's table are judged by plain functions."""

from hactl.lab import serving
from hactl.lab.samples import Outcome, Request
from hactl.lab.serving import Entry

KERNEL_TEXT = """IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A4D0065:0050 rr
  -> 0A4D0016:0050      Route   1      0          3
  -> 0A4D0015:0050      Route   0      1          2
TCP  0A4D0064:0050 rr
  -> 0A4E0015:0050      Masq    1      0          0
"""


def answers(**counts: int) -> list[Request]:
    """So many requests answered by each server."""
    return [Request(0.0, 0.0, Outcome.OK, name) for name, n in counts.items() for _ in range(n)]


def test_the_kernels_table_is_read() -> None:
    """Services and servers come out in order, with method and weight, without the counters."""
    assert serving.table(KERNEL_TEXT) == (
        Entry("10.77.0.100:80", "10.78.0.21:80", "Masq", 1),
        Entry("10.77.0.101:80", "10.77.0.21:80", "Route", 0),
        Entry("10.77.0.101:80", "10.77.0.22:80", "Route", 1),
    )


def test_a_server_of_weight_zero_is_not_in_use() -> None:
    """Only servers with weight get new connections."""
    assert serving.servers(serving.table(KERNEL_TEXT), "10.77.0.101:80") == ("10.77.0.22:80",)


def test_even_balancing() -> None:
    """Equal shares are even; a missing or favoured server, or a failed request, is not."""
    assert serving.balanced("x", answers(rs1=10, rs2=10, rs3=9), 3).ok
    assert not serving.balanced("x", answers(rs1=15, rs2=14), 3).ok
    assert not serving.balanced("x", answers(rs1=20, rs2=5, rs3=5), 3).ok
    assert not serving.balanced("x", [*answers(rs1=9, rs2=9, rs3=9), Request(0, 1, Outcome.TIMEOUT)], 3).ok
    assert not serving.balanced("x", [], 3).ok


def test_a_removed_server_may_fail_requests_only_before_it_left() -> None:
    """Failures until the removal are counted, one afterwards breaks the promise, and so does an answer of the dead."""
    early, late = Request(1.5, 0.0, Outcome.REFUSED), Request(3.5, 0.0, Outcome.REFUSED)
    ghost = Request(3.5, 0.0, Outcome.OK, "rs2")

    def ok(*requests: Request) -> bool:
        return serving.removed("x", "rs2", requests, failed_at=1.0, gone_at=2.0, end=5.0).ok

    assert ok(early)
    assert not ok(early, late)
    assert not ok(ghost)


def test_the_alert_must_hold_every_word() -> None:
    """A mail about another server, or about its return, is not the alert."""
    assert serving.alerted(["rs1 up", "1 event\nrs2: up -> down"], ("rs2", "down")).ok
    assert not serving.alerted(["rs2 up\nrs1 down", "rs3 down"], ("rs2", "down")).ok
