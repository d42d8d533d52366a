"""Runs a module of ours with a wall clock that can be set: `python -I set_clock.py FILE PYTHON -I -m MODULE ARGUMENTS...`.

FILE holds the seconds by which its `time.time` is ahead of the host's, as text; it is read at every look at the clock, by
the descriptor that was opened at first. The monotonic clock is the host's, as the kernel has it when somebody sets the
time. No kernel can be asked for this: a time namespace has monotonic clocks of its own, but not a wall clock.
"""

import os
import runpy
import sys
import time

_host = time.time
_file = os.open(sys.argv[1], os.O_RDONLY | os.O_CLOEXEC)


def _shifted() -> float:
    return _host() + float(os.pread(_file, 64, 0))


time.time = _shifted
module = sys.argv[5]
sys.argv = sys.argv[5:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
