"""The log: one line for each thing that happened, on standard error, in words and fields.

Under systemd a line carries its level for the journal, which knows the time itself; elsewhere it starts with the time.
The law: a log that cannot be written (a full disk, a reader that has gone) never stops the daemon.
"""

import contextlib
import os
import sys
from typing import Any

# Where rich is there, structlog loads it for tracebacks: 6 MB, and pictures that a log has no use for.
_RICH = "rich"
sys.modules.setdefault(_RICH, None)  # type: ignore[arg-type]
import structlog  # noqa: E402

if sys.modules[_RICH] is None:
    del sys.modules[_RICH]

_LEVELS = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def configure() -> None:
    """Set structlog up for this process; colours only on a terminal."""
    in_journal = "JOURNAL_STREAM" in os.environ
    processors: list[Any] = [structlog.processors.add_log_level]
    if in_journal:
        processors += [structlog.processors.LogfmtRenderer(key_order=["event"], bool_as_flag=False), _journal]
    else:
        processors += [
            structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%f", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0, sort_keys=False),
        ]
    structlog.configure(
        processors=processors,
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=True,
    )


class _Lines:
    """Writes each line to standard error, whole and at once, or loses it."""

    def msg(self, line: str) -> None:
        """Write a line."""
        with contextlib.suppress(OSError):
            os.write(2, f"{line}\n".encode(errors="backslashreplace"))

    debug = info = warning = error = critical = msg


def _journal(_logger: Any, level: str, line: Any) -> str:
    """Put the syslog priority before the line (sd-daemon(3))."""
    return f"<{_LEVELS.get(level, 6)}>{line}"
