"""The control socket in the file system: rights, the lock, stale and living sockets."""

import grp
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hactl.control.listener import Listener, ListenError


def test_rights_and_directory(tmp_path: Path) -> None:
    """The socket is 0660 whatever the umask, its directory made as 0755."""
    before = os.umask(0)
    try:
        with Listener(str(tmp_path / "run" / "hactl.sock"), None) as listener:
            assert stat.S_IMODE(os.stat(listener.path).st_mode) == 0o660
            assert stat.S_IMODE(os.stat(tmp_path / "run").st_mode) == 0o755
            assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert not (tmp_path / "run" / "hactl.sock").exists()


@pytest.mark.root
def test_group(tmp_path: Path) -> None:
    """The configured group may connect."""
    with Listener(str(tmp_path / "s"), "daemon") as listener:
        assert os.stat(listener.path).st_gid == grp.getgrnam("daemon").gr_gid
        assert listener.warning == ""


def test_unknown_group_is_a_warning(tmp_path: Path) -> None:
    """A group that this host does not have leaves the socket to root and says so."""
    with Listener(str(tmp_path / "s"), "no-such-group") as listener:
        assert "no group 'no-such-group'" in listener.warning


def test_second_daemon_is_refused(tmp_path: Path) -> None:
    """Two daemons cannot have one socket; the first keeps it."""
    path = str(tmp_path / "s")
    with Listener(path, None):
        with pytest.raises(ListenError, match="another hactl daemon has the control socket"):
            Listener(path, None)
        assert os.path.exists(path)


def test_stale_socket_is_replaced(tmp_path: Path) -> None:
    """What a killed daemon left behind stands in nobody's way."""
    path = str(tmp_path / "s")
    program = (
        "import os, sys; from hactl.control.listener import Listener; "
        "Listener(sys.argv[1], None); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, path], check=False)
    assert os.path.exists(path)
    with Listener(path, None), socket.socket(socket.AF_UNIX) as end:
        end.connect(path)


def test_socket_of_another_program_stays(tmp_path: Path) -> None:
    """A socket somebody else listens on is not taken away, even without our lock."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen()
        with pytest.raises(ListenError, match="another process listens"):
            Listener(path, None)


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    """A path that holds something else is an operator's mistake, not ours to remove."""
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(ListenError, match="is not a socket"):
        Listener(str(path), None)
    assert path.read_text() == "precious"


def test_directory_open_to_all_is_refused(tmp_path: Path) -> None:
    """Where everybody may write, anybody could put a socket of his own in its place."""
    tmp_path.chmod(0o777)
    with pytest.raises(ListenError, match="everybody may write"):
        Listener(str(tmp_path / "s"), None)


@pytest.mark.parametrize("path", ["/proc/hactl/s", "/dev/null/s", "x" * 200])
def test_impossible_paths_are_a_sentence(path: str, tmp_path: Path) -> None:
    """A path that cannot be is said in one sentence."""
    with pytest.raises(ListenError, match="cannot make the control socket"):
        Listener(str(tmp_path / path) if path.startswith("x") else path, None)


def test_failure_leaves_no_lock(tmp_path: Path) -> None:
    """After a refusal the next attempt is free."""
    path = tmp_path / "s"
    path.write_text("")
    with pytest.raises(ListenError):
        Listener(str(path), None)
    path.unlink()
    Listener(str(path), None).close()
