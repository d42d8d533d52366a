"""The guest hands through what a command does: status, output, time limit, results; from any folder."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hactl.lab import guest, machine

needs_kernel = pytest.mark.skipif(
    not Path("/usr/bin/linux.uml").exists(), reason="user-mode-linux is not installed"
)
COMMAND = [sys.executable, "-m", "hactl.lab.guest"]


@needs_kernel
def test_status_output_and_results_come_back_from_a_folder_with_a_space(tmp_path: Path) -> None:
    """Exit status, both outputs, a variable and a results folder come through, under /tmp, with a space."""
    here = tmp_path / "a folder"
    here.mkdir()
    script = (
        "echo out $WORD; echo err >&2; touch local; grep -q ip_vs /proc/modules && echo yes >'{}/x'; exit 7"
    )
    results = tmp_path / "the results"
    done = subprocess.run(
        [*COMMAND, "--env", "WORD", "--results", str(results), "--", "sh", "-c", script.format(results)],
        check=False,
        cwd=here,
        env={**os.environ, "WORD": "it's so", "PYTHONPATH": str(Path(guest.__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "out it's so\n", "err\n")
    assert (results / "x").read_text() == "yes\n"
    assert (here / "local").exists()


@needs_kernel
def test_time_limit_ends_the_guest_and_leaves_nothing() -> None:
    """A guest over its time limit is 124, with a sentence, and neither a process nor a folder stays."""
    out, err = io.BytesIO(), io.BytesIO()
    status = guest.run(guest.make_job(["sleep", "60"], time_limit=1.0), out, err)
    assert status == guest.TIME_LIMIT_REACHED
    assert b"no end within 1 s" in err.getvalue()
    assert not list(Path("/var/tmp").glob(f"hactl-guest.{os.getpid()}.*"))


@needs_kernel
def test_a_silent_guest_is_ended_and_its_kernel_is_asked_why() -> None:
    """A guest from which nothing comes is 125, long before the time limit, with the stacks of what is stuck in it."""
    out, err = io.BytesIO(), io.BytesIO()
    job = guest.make_job(["sh", "-c", "echo said; exec sleep 60"], time_limit=100.0, silence=12.0)
    assert guest.run(job, out, err) == guest.GUEST_DIED
    assert out.getvalue() == b"said\n"
    assert b"nothing heard for 12 s" in err.getvalue()
    assert b"Show Blocked State" in err.getvalue()


@needs_kernel
def test_a_guest_in_panic_ends_at_once_and_shows_its_console(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A guest whose first process dies is 125, long before the time limit, with the end of its console."""
    broken = tmp_path / "init"
    broken.write_text("#!/bin/sh\nexit 3\n")
    monkeypatch.setattr(guest, "INIT", broken)
    out, err = io.BytesIO(), io.BytesIO()
    began = time.monotonic()
    assert guest.run(guest.make_job(["true"], time_limit=50.0), out, err) == guest.GUEST_DIED
    assert time.monotonic() - began < 40.0
    assert b"Kernel panic" in err.getvalue()


@needs_kernel
def test_a_processor_with_wide_registers_needs_a_compiler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the library cannot be compiled the sentence says what to install; elsewhere nothing is preloaded."""
    monkeypatch.setattr(machine, "WIDE", frozenset({"fpu"}))
    assert machine.wide_registers(tmp_path) == {"LD_PRELOAD": str(tmp_path / "wide-registers.so")}
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(machine.GuestError, match="gcc and libc6-dev"):
        machine.wide_registers(tmp_path)
    monkeypatch.setattr(machine, "WIDE", frozenset({"no such feature"}))
    assert machine.wide_registers(tmp_path) == {}


def test_missing_kernel_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guest's kernel the sentence says what to install."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(machine.GuestError, match="package user-mode-linux"):
        machine.find_kernel()
