"""The log, where nobody reads it."""

import contextlib
import os
import subprocess
import sys
import threading

import pytest


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


def test_log_does_not_wait_for_a_reader_that_stands_still() -> None:
    """A pager that is paused, or a journal whose disk hangs, loses lines, and hears how many; the program goes on."""
    program = (
        "import sys, structlog; from hactl import log; log.configure()\n"
        "say = structlog.get_logger()\n"
        "for number in range(3000): say.warning('x' * 100)\n"
        "print('on', flush=True); sys.stdin.readline(); say.warning('last')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with contextlib.closing(process.stdin):
            killer = threading.Timer(30.0, process.kill)
            killer.start()
            assert process.stdout.readline() == "on\n"
            for _ in range(100):
                process.stderr.readline()
            process.stdin.write("\n")
        *_, told, last = process.stderr.read().splitlines()
        killer.cancel()
    assert "lines of the log were lost: nobody read them" in told
    assert "last" in last


@pytest.mark.parametrize(("stream", "marked"), [("{}:{}", True), ("1:2", False)])
def test_only_the_journal_gets_its_marks(stream: str, marked: bool) -> None:
    """A terminal in a session of systemd has its variable too, which is about another stream."""
    program = "import structlog; from hactl import log; log.configure(); structlog.get_logger().warning('x')"
    reader, writer = os.pipe()
    with open(reader) as lines:
        found = os.fstat(writer)
        environment = {**os.environ, "JOURNAL_STREAM": stream.format(found.st_dev, found.st_ino)}
        subprocess.run(
            [sys.executable, "-c", program], stderr=writer, env=environment, check=True, timeout=30
        )
        os.close(writer)
        assert lines.read().startswith("<4>") is marked


@pytest.mark.parametrize("journal", [True, False])
def test_words_from_outside_forge_no_line_and_speak_to_no_terminal(journal: bool) -> None:
    """Neither in the text nor in a field; a worker that was turned by a server may send both."""
    program = (
        "import structlog; from hactl import log; log.configure()\n"
        "words = 'a\\r\\nb \\x1b[2J \\u202e \\udc80 \\u00e9'\n"
        "structlog.get_logger().warning(words, reason=words)"
    )
    reader, writer = os.pipe()
    with open(reader) as lines:
        found = os.fstat(writer)
        stream = f"{found.st_dev}:{found.st_ino}" if journal else ""
        environment = {**os.environ, "JOURNAL_STREAM": stream}
        subprocess.run(
            [sys.executable, "-c", program], stderr=writer, env=environment, check=True, timeout=30
        )
        os.close(writer)
        said = lines.read()
    assert said.endswith("\n")
    assert said[:-1].isprintable()
    assert said.count("x1b[2J") == said.count("\u00e9") == 2
