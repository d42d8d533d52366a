"""SIGHUP beyond the usual: many at once, and one whose reload never comes to its end."""

import os
import signal
import time
from pathlib import Path

from support.daemon import BARE, daemons, wait_until
from support.netns import lan, needs_namespaces
from support.processes import children

pytestmark = needs_namespaces

STORM = 40


def test_a_storm_of_signals_is_few_reloads() -> None:
    """Signals that come during a reload are one more reload, which takes on what the file says at last."""
    with lan("lb1") as net, daemons(net, BARE, "lb1") as (lb1,):
        lb1.start()
        for number in range(STORM):
            if number == STORM - 1:
                lb1.write(BARE.replace("[10.99.0.100]", "[10.99.0.100, 10.99.0.101]"))
            os.kill(lb1.pid, signal.SIGHUP)
            time.sleep(0.005)
        wait_until(lambda: "10.99.0.101/32" in lb1.router()["addresses"])
        lb1.hactl("reload", check=True)  # after all that were asked for before
        assert len(lb1.events("config.loaded")) - 1 < STORM // 2


def test_a_signal_at_the_start_waits_for_its_end() -> None:
    """Who asks for a reload while the daemon is still reading its file does not end it."""
    with lan("lb1") as net, daemons(net, BARE, "lb1") as (lb1,):
        lb1.launch()
        wait_until(lambda: _reader_of(lb1.pid), every=0.001)
        os.kill(lb1.pid, signal.SIGHUP)
        lb1.await_up()
        wait_until(lambda: lb1.events("config.loaded"))


def _reader_of(pid: int) -> bool:
    """Whether the daemon has begun to read its configuration, in a process of its own."""
    return any(b"hactl.workers.reader" in Path(f"/proc/{one}/cmdline").read_bytes() for one in children(pid))


def test_a_stop_does_not_wait_for_a_file_that_cannot_be_read() -> None:
    """A file that gives no content, as on a dead file server, holds up its reload and not the end of the daemon."""
    with lan("lb1") as net, daemons(net, BARE, "lb1") as (lb1,):
        lb1.start()
        lb1.config.unlink()
        os.mkfifo(lb1.config)
        os.kill(lb1.pid, signal.SIGHUP)
        ends = wait_until(lambda: _other_end(lb1.config))
        try:
            assert lb1.stop() == 0
        finally:
            os.close(*ends)


def _other_end(pipe: Path) -> list[int]:
    """The end of a pipe in the file system by which nothing comes, once somebody waits at the other."""
    try:
        return [os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)]
    except OSError:
        return []
