"""The ssh check with a login by key and a command, by OpenSSH's own client and daemon, as `hactl probe` runs it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from health.conventions import ssh_client
from health.dialogue import Ran
from health.result import PASSED, End, Reason
from support.real_servers import open_folder
from support.servers import daemon, free_port

OUR_WORDS = [
    (0, "", Reason.OK, ""),
    (7, "what\nwent wrong\n", Reason.PROGRAM_FAILED, "the command ended with status 7: went wrong"),
    (
        255,
        "a@b: Permission denied (publickey).\n",
        Reason.LOGIN_FAILED,
        "a@b: Permission denied (publickey).",
    ),
    (
        255,
        'Load key "/k": Permission denied\na@b: Permission denied (publickey).',
        Reason.CANNOT_RUN,
        "Load key",
    ),
    (255, "ssh: connect to host b port 22: Connection refused", Reason.CONNECT_REFUSED, "refused"),
    (255, "ssh: connect to host b port 22: Connection timed out", Reason.CONNECT_TIMEOUT, ""),
    (255, "ssh: connect to host b port 22: No route to host", Reason.CONNECT_UNREACHABLE, ""),
    (255, "Connection closed by 192.0.2.1 port 22", Reason.CLOSED, ""),
    (255, "Host key verification failed.", Reason.LOGIN_FAILED, "Host key"),
    (255, "", Reason.CONNECT_FAILED, ""),
    (None, "", Reason.PROGRAM_TIMEOUT, "ssh"),
]


@pytest.mark.parametrize(("status", "output", "reason", "detail"), OUR_WORDS)
def test_what_the_client_says(status: int | None, output: str, reason: Reason, detail: str) -> None:
    """Its status and words as reasons."""
    end = (
        PASSED
        if status == 0
        else End(Reason.PROGRAM_TIMEOUT if status is None else Reason.PROGRAM_FAILED, "ssh")
    )
    found = ssh_client(Ran(end, status, output.encode()))
    assert (found.reason, detail in found.detail) == (reason, True), found


class Host(NamedTuple):
    """A daemon with one key that may log in as root."""

    port: int
    key: Path
    stranger: Path
    known: Path


def key_pair(file: Path) -> Path:
    """A new key."""
    command = ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(command, check=True, timeout=30)
    return file


@pytest.fixture
def sshd() -> Iterator[Host]:
    """OpenSSH's daemon."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with open_folder() as folder:
        host, key, stranger = (key_pair(folder / name) for name in ("host", "key", "stranger"))
        port, known = free_port(), folder / "known"
        public = host.with_suffix(".pub").read_text()
        known.write_text(f"[127.0.0.1]:{port} {public}")
        (folder / "authorized").write_text(key.with_suffix(".pub").read_text())
        options: tuple[str, ...] = (
            "ListenAddress=127.0.0.1",
            "PidFile=none",
            "UsePAM=no",
            "StrictModes=no",
            "PermitRootLogin=yes",
        )
        options += (f"AuthorizedKeysFile={folder}/authorized",)
        words = [word for option in options for word in ("-o", option)]
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", str(host), "-p", str(port), *words]
        with daemon(command, port):
            yield Host(port, key, stranger, known)


def probed(port: int, keys: str) -> dict[str, Any]:
    """One check, run by hand."""
    command = [sys.executable, "-m", "hactl", "probe", "--json", "--timeout", "20s"]
    check = f"{{type: ssh, user: root, run_as: root, {keys}}}"
    done = subprocess.run(
        [*command, check, f"127.0.0.1:{port}"], check=False, capture_output=True, text=True, timeout=60
    )
    (found,) = json.loads(done.stdout)["probes"]
    return dict(found)


@pytest.mark.skipif(not Path("/usr/sbin/sshd").exists(), reason="no sshd here")
@pytest.mark.root
def test_login_and_command(sshd: Host) -> None:
    """Key and host key right and wrong; a command that ends well, and one that does not; a daemon that is not there."""
    key, known = f"key_file: {sshd.key}", f"known_hosts_file: {sshd.known}"
    cases = [
        (f"{key}, {known}", "ok", ""),
        (f"{key}", "ok", ""),
        (f"{key}, {known}, command: 'test -d / && echo {{port}}', source: 127.0.0.1", "ok", ""),
        (f"{key}, {known}, command: 'echo no disk; exit 3'", "program_failed", "status 3: no disk"),
        (f"{key}, known_hosts_file: /dev/null", "login_failed", "Host key verification failed"),
        (f"key_file: {sshd.stranger}, {known}", "login_failed", "Permission denied"),
        ("key_file: /nowhere/key", "cannot_run", "not accessible"),
    ]
    for keys, reason, detail in cases:
        found = probed(sshd.port, keys)
        assert (found["reason"], detail in found["detail"]) == (reason, True), (keys, found)
    assert probed(free_port(), key)["reason"] == "connect_refused"
