"""The content of the files that hold secrets: read by the supervisor as root, handed to the worker that needs it.

The law: a secret is never logged, shown or put into a spec; a file that cannot be read makes its channel fail, visibly.
"""

from collections.abc import Iterable

from hactl.config.model import Config
from hactl.identity import read_as_owner
from hactl.secrets.names import all_files


def read_secrets(config: Config) -> dict[str, str]:
    """The content of every secret file by its path; one that cannot be read is left out and shows where it is used."""
    return contents(all_files(config))


def contents(files: Iterable[str]) -> dict[str, str]:
    """The content of each file that can be read, by its path."""
    read = ((file, _secret(file)) for file in files)
    return {file: content for file, content in read if content is not None}


def _secret(path: str) -> str | None:
    try:
        return read_as_owner(path).decode().strip()
    except (OSError, UnicodeDecodeError):
        return None
