"""Programs of routers, which are run when it matters: there, and executable; core."""

import shlex
from collections.abc import Iterator

import msgspec

from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding


class ProgramFile(msgspec.Struct, frozen=True, kw_only=True):
    """A program's file; `there`: it can be seen. `trouble`: why it cannot be run, empty when it can."""

    path: str
    there: bool = True
    trouble: str = ""


def named(config: Config) -> tuple[str, ...]:
    """The files of all programs that take addresses over or fence."""
    return tuple(dict.fromkeys(one.command[0] for one in (*config.takeovers, *config.fences)))


def judge(files: tuple[ProgramFile, ...]) -> Iterator[Finding]:
    """What is wrong with each."""
    for one in files:
        if one.trouble:
            path = shlex.quote(one.path)
            mend = f"chmod 755 {path}"
            if not one.there:
                mend = f"copy it from another director: scp DIRECTOR:{path} {path} && {mend}"
            yield finding(FindingId.PROGRAM_UNUSABLE, one.path, one.trouble, mend)
