"""The end of a tracer: strace lets go of what it traces, if need be by being killed."""

import contextlib
import subprocess


def end(tracer: "subprocess.Popen[bytes]") -> None:
    """A tracer whose process died under it may wait for ever; killed, the kernel lets go in its place."""
    tracer.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        tracer.wait(2.0)
    tracer.kill()
    tracer.wait()
