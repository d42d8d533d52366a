"""A guest: Debian's user-mode Linux kernel, run as an ordinary process over the host's own files.

``python -m hactl.lab.guest [--mem 512M] [--time-limit SEC] [--silence SEC] [--modules NAME,...] [--env NAME]
[--results DIR] -- CMD ARG...`` runs CMD as root in the current directory inside the guest. Its output, its error
output and its exit status are handed through; 124 means that the time limit was reached, 125 that the guest
died, could not start, or said nothing for as long as it may be silent. What its kernel waits for is told then.

The law of this file: it writes to its own temporary folder only, and when it ends, by whatever way, the guest
has ended.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from math import inf
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from hactl.lab.inquest import blocked_tasks
from hactl.lab.job import DEFAULT_MODULES, Job, hidden, job_script, megabytes
from hactl.lab.machine import (
    GuestError,
    find_kernel,
    memory_folder,
    module_base,
    needed_paths,
    wide_registers,
    work_folder,
)

TIME_LIMIT_REACHED: Final = 124
GUEST_DIED: Final = 125
PASSED_ON: Final = ("PYTHONPATH",)
INIT: Final = Path(__file__).with_name("guest-init")
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def keeper() -> list[str]:
    """The command before the kernel's that ends the guest when this process dies by a signal it cannot catch.

    With root's rights all processes of the guest live in a process namespace, which dies as a whole. Its first process is
    a shell, not the kernel: a first process cannot end itself by a signal, as a kernel in panic does.
    """
    follow = ["setpriv", "--pdeathsig", "KILL", "--"]
    if os.geteuid() != 0:
        return follow
    first = ["sh", "-c", '"$@"; exit $?', "guest"]
    return [*follow, "unshare", "--pid", "--fork", "--kill-child", "--", *first]


class Guest:
    """One running guest. ``pump`` hands its output through until it ends or ``stop`` is called."""

    def __init__(self, job: Job) -> None:
        kernel = find_kernel()
        self.job = job
        self.work = work_folder()
        try:
            self._boot(kernel)
        except BaseException:
            shutil.rmtree(self.work, ignore_errors=True)
            raise

    def _boot(self, kernel: str) -> None:
        base = module_base(self.work)
        job = msgspec.structs.replace(self.job, shown=hidden((*self.job.shown, str(self.work))))
        (self.work / "job").write_text(job_script(job, base))
        preload = wide_registers(self.work)
        shutil.copy(INIT, self.work / "init")
        (self.work / "init").chmod(0o755)
        self.out, out = pipe()
        self.err, err = pipe()
        arguments = [
            kernel, f"mem={job.memory}", "rootfstype=hostfs", "rootflags=/", "rw", f"init={self.work}/init",
            "umid=guest", f"uml_dir={self.work}/", "con=null", "con0=null,fd:1", f"con1=null,fd:{out}",
            f"con2=null,fd:{err}", "quiet", "panic=1", f"HACTL_DIR={self.work}",
        ]  # fmt: skip
        with (self.work / "console").open("wb") as console:
            self.process = subprocess.Popen(
                [*keeper(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env={"PATH": os.environ.get("PATH", ""), "TMPDIR": memory_folder(job.memory), **preload},
                pass_fds=(out, err),
                start_new_session=True,
            )
        os.close(out)
        os.close(err)

    def pump(self, stdout: BinaryIO, stderr: BinaryIO, deadline: float, silence: float = inf) -> bool:
        """Copies output until the guest has ended (True), or ``deadline`` (monotonic) or ``silence`` passed (False)."""
        heard = time.monotonic()
        with selectors.DefaultSelector() as ready:
            ready.register(self.out, selectors.EVENT_READ, stdout)
            ready.register(self.err, selectors.EVENT_READ, stderr)
            while ready.get_map():
                ended = self.process.poll() is not None
                events = ready.select(0 if ended else min(0.5, max(0.0, deadline - time.monotonic())))
                if ended and not events:
                    break
                now = time.monotonic()
                for key, _ in events:
                    copy_some(ready, key)
                    heard = now
                if now >= min(deadline, heard + silence):
                    return False
        self.process.wait()
        return True

    def status(self) -> int | None:
        """Exit status of the command, or None when it has stored none."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.work / "status").read_text())
        return None

    def console(self) -> str:
        """The last lines of the guest's console, for an operator who must know why it died."""
        text = (self.work / "console").read_text(errors="replace")
        return "\n".join(text.splitlines()[-40:])

    def close(self) -> None:
        """Ends the guest with all its host processes, and removes its folder; no signal comes between."""
        former = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.out.close()
        self.err.close()
        shutil.rmtree(self.work, ignore_errors=True)
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def pipe() -> tuple[BinaryIO, int]:
    """A pipe: our reading end as a file without a buffer, the guest's end as a number."""
    read, write = os.pipe()
    return os.fdopen(read, "rb", buffering=0), write


def copy_some(ready: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """One read and write; an ended source leaves the selector."""
    data = os.read(key.fd, 65536)
    if not data:
        ready.unregister(key.fileobj)
        return
    key.data.write(data)
    key.data.flush()


@contextlib.contextmanager
def boot(job: Job) -> Iterator[Guest]:
    """A guest running ``job``, ended on leaving."""
    guest = Guest(job)
    try:
        yield guest
    finally:
        guest.close()


def run(
    job: Job, stdout: BinaryIO | None = None, stderr: BinaryIO | None = None, *,
    stopping: Callable[[], None] | None = None, grace: float = 0.0,
) -> int:  # fmt: skip
    """Boots, runs the job to its end and returns its exit status (124, 125: see above).

    On SIGINT, SIGTERM and SIGHUP the guest is killed, and the status is 128 + the signal's number. Where
    ``stopping`` is given it is called first, and the job has ``grace`` seconds to end by itself with a status
    of its own.
    """
    out, err = stdout or sys.stdout.buffer, stderr or sys.stderr.buffer
    deadline = time.monotonic() + job.time_limit
    with raising_signals(), boot(job) as guest:
        try:
            ended = guest.pump(out, err, deadline, job.silence)
        except Interrupted as interrupted:
            if stopping is not None:
                stopping()
                guest.pump(out, err, time.monotonic() + grace)
            status = guest.status()
            return 128 + interrupted.number if status is None else status
        if not ended:
            late = time.monotonic() >= deadline
            why = f"no end within {job.time_limit:g} s" if late else f"nothing heard for {job.silence:g} s"
            say(err, f"hactl lab: {why}; what its kernel waits for:\n{blocked_tasks(guest.work)}")
            return TIME_LIMIT_REACHED if late else GUEST_DIED
        status = guest.status()
        if status is None:
            say(
                err,
                f"hactl lab: the guest ended without a status; the end of its console:\n{guest.console()}",
            )
            return GUEST_DIED
        return status


class Interrupted(BaseException):
    """A signal asked the runner to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def raising_signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise Interrupted in here; the former handlers come back on leaving."""

    def interrupt(number: int, _frame: object) -> None:
        raise Interrupted(number)

    former = [(number, signal.signal(number, interrupt)) for number in ENDING]
    try:
        yield
    finally:
        for number, handler in former:
            signal.signal(number, handler)


def say(stream: BinaryIO, text: str) -> None:
    """One message of our own on the guest's error output."""
    stream.write(f"{text}\n".encode())
    stream.flush()


def make_job(
    command: Iterable[str], *, memory: str = "512M", time_limit: float = 600.0, silence: float = inf,
    modules: Iterable[str] = DEFAULT_MODULES, names: Iterable[str] = (), shown: Iterable[str] = (),
) -> Job:  # fmt: skip
    """A job in the current directory, with the named variables and all that Python needs in sight."""
    directory = os.getcwd()
    return Job(
        command=tuple(command),
        directory=directory,
        memory=memory,
        time_limit=time_limit,
        silence=silence,
        modules=tuple(modules),
        environment={name: os.environ[name] for name in (*PASSED_ON, *names) if name in os.environ},
        shown=hidden((*needed_paths(directory), *(os.path.realpath(path) for path in shown))),
    )


def main(arguments: list[str]) -> int:
    """The command line of ``python -m hactl.lab.guest``."""
    parser = argparse.ArgumentParser(prog="python -m hactl.lab.guest", description=__doc__.split("\n")[0])
    parser.add_argument("--mem", default="512M", metavar="SIZE")
    parser.add_argument("--time-limit", type=float, default=600.0, metavar="SEC")
    parser.add_argument("--silence", type=float, default=inf, metavar="SEC")
    parser.add_argument("--modules", default=",".join(DEFAULT_MODULES), metavar="NAME,...")
    parser.add_argument("--env", action="append", default=[], metavar="NAME")
    parser.add_argument(
        "--results", metavar="DIR", help="a folder that the command writes to; made when missing"
    )
    parser.add_argument("command", nargs="+", metavar="CMD")
    chosen = parser.parse_args(arguments)
    shown = [chosen.results] if chosen.results else []
    for folder in shown:
        Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        megabytes(chosen.mem)
        job = make_job(
            chosen.command,
            memory=chosen.mem,
            time_limit=chosen.time_limit,
            silence=chosen.silence,
            modules=[name for name in chosen.modules.replace(",", " ").split() if name],
            names=chosen.env,
            shown=shown,
        )
        return run(job)
    except (GuestError, ValueError) as error:
        print(f"hactl lab: {error}", file=sys.stderr)
        return GUEST_DIED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
