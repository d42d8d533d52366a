"""What stands in a configuration and is nobody's business: shown as `(hidden)` wherever values are shown; core.

Passwords and keys stand in files of their own. But the URL of a chat system holds its key, so do headers of requests, and
what a plug-in is given is known to that plug-in alone.
"""

from collections.abc import Iterable
from typing import Final

MASK: Final = "(hidden)"
HIDDEN: Final = frozenset({"headers", "options", "url"})
"""Fields of specs and of the file."""


def holds_secrets(path: Iterable[str]) -> bool:
    """Whether what is written at a place of the file may be a secret: what is hidden, and where a secret's file is named,
    for the secret itself is easily put there."""
    return any(part in HIDDEN or part.endswith("_file") for part in path)


def is_hidden(path: str) -> bool:
    """Whether what stands at a path such as `notify.chat.delivery.url` is shown as the mask."""
    return path.rpartition(".")[2] in HIDDEN
