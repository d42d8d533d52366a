"""The Debian package: built, installed over this system's own files without touching them, used, upgraded and removed."""

import os
import subprocess
import textwrap
from pathlib import Path

import pytest

from support.netns import needs_namespaces

ROOT = Path(__file__).parents[2]
pytestmark = [needs_namespaces, pytest.mark.netns, pytest.mark.timeout(900)]

INSIDE = """
set -eu
top=$(mktemp -d)
mount -t tmpfs tmpfs "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root"
mount --rbind /proc "$top/root/proc"
mount --rbind /dev "$top/root/dev"
mount -t tmpfs tmpfs "$top/root/run"
cp "$PACKAGE" "$top/root/tmp/hactl.deb"
ip link set lo up
exec chroot "$top/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 bash -eu -c "$STEPS"
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of this checkout, in a folder named from where it was asked for; what else is in build/ stays, and what
    an interrupted build left there is not taken along."""
    folder = tmp_path_factory.mktemp("deb")
    measured, stale = ROOT / "build" / f"kept-{os.getpid()}", ROOT / "build/lib/hactl/left_behind.py"
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.touch()
    measured.touch()
    done = subprocess.run(
        [str(ROOT / "etc/make-deb"), "of this"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert measured.exists()
    measured.unlink()
    (made,) = (folder / "of this").glob("*.deb")
    assert str(made) == done.stdout.splitlines()[-1]
    return made


def installed(package: Path, steps: str) -> str:
    """What these steps say on a system of its own: this one's files with a layer over them that is thrown away, and a
    network of its own."""
    done = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", INSIDE],
        env={**os.environ, "PACKAGE": str(package), "STEPS": textwrap.dedent(steps)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_it_installs_runs_upgrades_and_goes(package: Path) -> None:
    """From dpkg -i to dpkg -P: the command, its pages, its user, a daemon that answers; the operator's file survives an
    upgrade and a removal; a purge leaves nothing."""
    said = installed(
        package,
        """
        dpkg -i /tmp/hactl.deb
        hactl version
        getent passwd hactl
        man -w hactl hactl.yaml hactl-events hactl-reasons hactl-api
        systemd-analyze verify --man=no /lib/systemd/system/hactl.service 2>&1 | grep hactl || true
        echo 'cluster: web' > /etc/hactl/hactl.yaml
        echo 'directors: {lb1: {address: 10.99.0.1}}' >> /etc/hactl/hactl.yaml
        hactl check --node lb1
        hactl run --node lb1 > /tmp/log 2>&1 & daemon=$!
        for try in $(seq 150); do hactl status > /tmp/status 2> /dev/null && break; sleep 0.2; done
        cat /tmp/status || cat /tmp/log
        kill $daemon; wait $daemon
        dpkg -i /tmp/hactl.deb
        grep 'cluster: web' /etc/hactl/hactl.yaml
        dpkg -r hactl
        test ! -e /usr/bin/hactl && grep 'cluster: web' /etc/hactl/hactl.yaml
        rm /etc/hactl/hactl.yaml
        dpkg -P hactl
        test ! -e /usr/lib/hactl && test ! -e /var/lib/hactl && test ! -e /etc/hactl && echo gone
        """,
    )
    assert "hactl 0." in said
    assert "hactl workers:/var/lib/hactl" in said
    assert said.count("/usr/share/man/") == 5
    assert "cluster web   node lb1" in said
    assert said.splitlines()[-1] == "gone"


def test_an_upgrade_restarts_what_goes_on_running(package: Path) -> None:
    """The daemon and a real server's agent, which would load the new files into the old program; not the VIPs of a real
    server, and nothing at the first installation."""
    said = installed(
        package,
        """
        mkdir -p /run/systemd/system
        printf '#!/bin/sh\\necho "called: $*"\\n' > /usr/bin/systemctl.new && chmod 755 /usr/bin/systemctl.new
        mv /usr/bin/systemctl.new /usr/bin/systemctl
        dpkg -i /tmp/hactl.deb
        echo again
        dpkg -i /tmp/hactl.deb
        """,
    )
    first, upgrade = said.split("again\n")
    assert "called: daemon-reload" in first
    assert "restart" not in first
    assert "called: try-restart hactl.service hactl-realserver-agent.service" in upgrade.splitlines()


def test_it_holds_no_other_programs_path(package: Path) -> None:
    """Nothing in it knows where it was built, and what it brings is in its own folder."""
    listing = subprocess.run(
        ["dpkg-deb", "-c", str(package)], capture_output=True, text=True, check=True
    ).stdout
    names = [line.split()[5] for line in listing.splitlines()]
    outside = [name for name in names if name.startswith("./usr/bin/") and name != "./usr/bin/"]
    assert outside == ["./usr/bin/hactl"]
    assert not [name for name in names if "left_behind" in name]
    scripts = subprocess.run(
        f"dpkg-deb --fsys-tarfile '{package}' | tar -xO ./usr/lib/hactl/bin/hactl ./usr/lib/hactl/pyvenv.cfg",
        shell=True, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "#!/usr/lib/hactl/bin/python3" in scripts
    assert "/tmp" not in scripts
