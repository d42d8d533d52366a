"""The lab's own network carries every forwarding method, before any daemon of ours is in it."""

import io
import sys
from pathlib import Path

import msgspec
import pytest

from hactl.lab import guest
from hactl.lab.serving import Check
from support import forwarding


@pytest.mark.skipif(not Path("/usr/bin/linux.uml").exists(), reason="user-mode-linux is not installed")
@pytest.mark.timeout(200)
def test_nat_dr_and_tun_reach_every_real_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a table from ipvsadm, web requests by nat, dr and tun are spread evenly, and ssh answers."""
    monkeypatch.setenv("PYTHONPATH", str(Path(guest.__file__).parents[2]))
    file, out, err = tmp_path / "checks.json", io.BytesIO(), io.BytesIO()
    command = [sys.executable, str(Path(forwarding.__file__)), str(file)]
    status = guest.run(guest.make_job(command, time_limit=150.0, shown=[str(tmp_path)]), out, err)
    assert status == 0, err.getvalue().decode()
    checks = msgspec.json.decode(file.read_bytes(), type=list[Check])
    assert [check.name for check in checks] == ["nat", "dr", "tun", "ssh"]
    assert [check for check in checks if not check.ok] == []
