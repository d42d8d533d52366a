"""The log: one line for each thing that happened, on standard error, in words and fields.

Under systemd a line carries its level for the journal, which knows the time itself; elsewhere it starts with the time.
The law: a log that cannot be written (a full disk, a reader that has gone or stands still) never stops the daemon. Whatever
words a line has from outside, it is one line, and says nothing to a terminal.
"""

import os
import select
import sys
from collections.abc import MutableMapping
from typing import Any

# Where rich is there, structlog loads it for tracebacks: 6 MB, and pictures that a log has no use for.
_RICH = "rich"
sys.modules.setdefault(_RICH, None)  # type: ignore[arg-type]
import structlog  # noqa: E402

from hactl.printable import printable  # noqa: E402

if sys.modules[_RICH] is None:
    del sys.modules[_RICH]

_STDERR = 2
_PATIENCE = 0.1
"""Seconds for which a reader that is behind is waited for; one that stays behind, no more."""
_LEVELS = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def configure() -> None:
    """Set structlog up for this process; colours only on a terminal."""
    in_journal = _is_journal()
    lines = _Lines()
    processors: list[Any] = [structlog.processors.add_log_level, _printable]
    if in_journal:
        processors += [structlog.processors.LogfmtRenderer(key_order=["event"], bool_as_flag=False), _journal]
    else:
        processors += [
            structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%f", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0, sort_keys=False),
        ]
    structlog.configure(
        processors=processors,
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )


def _is_journal() -> bool:
    """Whether standard error is the journal's stream: a shell may pass on the variable of another (systemd.exec(5))."""
    try:
        found = os.fstat(_STDERR)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _printable(_logger: Any, _level: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The line with everything unprintable in its words escaped."""
    for name, value in line.items():
        if isinstance(value, str) and not value.isprintable():
            line[name] = printable(value)
    return line


class _Lines:
    """Writes each line to standard error at once, or loses it; how many were lost is said when there is room again."""

    def __init__(self) -> None:
        self._lost = 0

    def msg(self, line: str) -> None:
        """Write a line."""
        if self._lost and self._is_written(f"{self._lost} lines of the log were lost: nobody read them"):
            self._lost = 0
        if self._lost or not self._is_written(line):
            self._lost += 1

    def _is_written(self, line: str) -> bool:
        """In pieces, for each of which there is room wherever there is any (pipe(7)): a write would wait for more."""
        data = f"{line}\n".encode(errors="backslashreplace")
        try:
            for start in range(0, len(data), select.PIPE_BUF):
                if not select.select((), (_STDERR,), (), 0.0 if self._lost else _PATIENCE)[1]:
                    return False
                os.write(_STDERR, data[start : start + select.PIPE_BUF])
        except OSError:
            return False
        return True

    debug = info = warning = error = critical = msg


def _journal(_logger: Any, level: str, line: Any) -> str:
    """Put the syslog priority before the line (sd-daemon(3))."""
    return f"<{_LEVELS.get(level, 6)}>{line}"
