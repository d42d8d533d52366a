"""How long those who ask the daemon wait for its answer, the command line and the page alike."""

from typing import Final

ANSWER: Final = 10.0
"""Seconds; what the daemon knows it tells at once."""
HANDOVER: Final = 60.0
"""Seconds; a handover takes as long as the peers' timers do, and what is kept may wait for the disk."""
RELOAD: Final = 120.0
"""Seconds; every worker is asked about ten thousand servers first."""
