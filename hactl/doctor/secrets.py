"""Files with secrets: there, readable by the daemon, and by nobody else; core."""

import shlex
from collections.abc import Iterator

import msgspec

from hactl.doctor.finding import Finding, FindingId, finding

_OTHERS, _GROUP_WRITES = 0o007, 0o020


class SecretFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file and its mode; `mode` None: it cannot be read, and why."""

    path: str
    mode: int | None = None
    trouble: str = ""


def judge(files: tuple[SecretFile, ...]) -> Iterator[Finding]:
    """What is wrong with each."""
    for one in files:
        path = shlex.quote(one.path)
        if one.mode is None:
            mend = f"copy it from another director: scp DIRECTOR:{path} {path} && chmod 600 {path}"
            yield finding(FindingId.SECRET_MISSING, one.path, one.trouble, mend)
        elif one.mode & (_OTHERS | _GROUP_WRITES):
            yield finding(FindingId.SECRET_MODE, one.path, f"its mode is {one.mode:04o}", f"chmod 600 {path}")
