"""The ssh check: SSH's greeting, or a login by key, which OpenSSH's own client does, run like any program of a check.

The law: nothing of the running user's own files counts, no agent and no terminal; the host key is verified where a file of
known ones is given.
"""

import math
from typing import Final

import msgspec

from hactl.config.schema.checks import SshCheck
from health.spec import Convention, Origin, ScriptProbe, SshProbe

PROGRAM: Final = "/usr/bin/ssh"
_ALWAYS: Final = (
    "BatchMode=yes", "ClearAllForwardings=yes", "ControlPath=none", "IdentitiesOnly=yes", "IdentityAgent=none",
    "LogLevel=ERROR", "PermitLocalCommand=no", "PreferredAuthentications=publickey", "RequestTTY=no",
    "UpdateHostKeys=no", "GlobalKnownHostsFile=/dev/null",
)  # fmt: skip


def ssh_probe(check: SshCheck) -> SshProbe | ScriptProbe:
    """The probe; in a command `{address}` and `{port}` stand for the target."""
    if check.user is None or check.key_file is None:
        return SshProbe()
    known = check.known_hosts_file
    options = (
        *_ALWAYS,
        f"ConnectTimeout={math.ceil(check.patience)}",
        f"UserKnownHostsFile={known or '/dev/null'}",
        f"StrictHostKeyChecking={'no' if known is None else 'yes'}",
    )
    words = (word for option in options for word in ("-o", option))
    target = (
        "-i",
        check.key_file,
        "-l",
        check.user,
        "-p",
        "{port}",
        "--",
        "{address}",
        check.command or "true",
    )
    command = (PROGRAM, "-F", "none", *words, *target)
    return ScriptProbe(command=command, user=check.run_as, convention=Convention.SSH)


def from_origin(probe: ScriptProbe, origin: Origin) -> ScriptProbe:
    """The same, from an address and through an interface."""
    given = (("-b", origin.source), ("-B", origin.interface))
    words = (word for option, value in given if value is not None for word in (option, value))
    return msgspec.structs.replace(probe, command=(probe.command[0], *words, *probe.command[1:]))
