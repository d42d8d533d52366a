"""The log, where nobody reads it."""

import os
import subprocess
import sys


def test_log_goes_on_without_a_reader() -> None:
    """A line to a pipe that nobody reads is lost; the program goes on."""
    program = (
        "import structlog; from hactl import log; log.configure()\n"
        "say = structlog.get_logger()\n"
        "for _ in range(3): say.warning('x')\n"
        "print('on')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
        check=True,
        timeout=30,
    )
    os.close(writer)
    assert done.stdout == "on\n"
