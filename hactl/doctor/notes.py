"""What could not be seen in a diagnosis, as sentences; core."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Notes:
    """Gathers what could not be seen."""

    def __init__(self) -> None:
        self.unseen: list[str] = []

    def look(self, what: str, read: Callable[[], T]) -> T | None:
        """What `read` returns, or None with a note."""
        try:
            return read()
        except PermissionError:
            self.unseen.append(f"{what}: for root only")
        except OSError as error:
            self.unseen.append(f"{what}: {error.strerror or error}")
        return None
