"""The systemd unit: what matters in it, and what systemd itself says of it."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from failover.timing import successor_within
from hactl.ipvs.schedulers import SCHEDULERS, scheduler_module
from hactl.processes.children import SILENT_AT_MOST
from hactl.workers.realtime import REALTIME_PRIORITY

UNIT = Path(__file__).parent.parent / "etc" / "hactl.service"
EXPOSURE = 30
"""Ten times systemd's score of the whole unit (DESIGN section 10); the workers give up far more by themselves."""
LONGEST_INTERVAL = 40.95


@pytest.fixture(scope="module")
def service() -> configparser.SectionProxy:
    """The section that says how the daemon runs."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


def seconds(text: str) -> float:
    """A time of systemd's."""
    found = re.fullmatch(r"(\d+)(ms|s)", text)
    assert found, text
    return int(found[1]) / (1000 if found[2] == "ms" else 1)


def test_every_scheduler_is_loaded_beforehand(service: configparser.SectionProxy) -> None:
    """The kernel, asked to load one by itself while a network namespace goes, may wait for ever."""
    loaded = set(service["ExecStartPre"].split())
    assert [name for name in map(scheduler_module, SCHEDULERS) if name not in loaded] == []


def test_the_daemon_tells_how_it_is(service: configparser.SectionProxy) -> None:
    """Started, reloading, alive: in its own words, and only in those of the supervisor."""
    assert service["Type"] == "notify"
    assert service["NotifyAccess"] == "main"
    assert seconds(service["WatchdogSec"]) >= 3 * SILENT_AT_MOST
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_a_death_is_survived(service: configparser.SectionProxy) -> None:
    """Make before break: the worker that releases is left alone, memory pressure ends no unit, the start comes at once."""
    assert service["KillMode"] == "process"
    assert service["OOMPolicy"] == "continue"
    assert int(service["OOMScoreAdjust"]) < 0
    assert service["Restart"] == "always"
    assert seconds(service["RestartSec"]) <= 1
    assert seconds(service["TimeoutStopSec"]) > successor_within(LONGEST_INTERVAL, 3)
    assert service["RuntimeDirectoryPreserve"] == "yes"


def test_adverts_are_in_time(service: configparser.SectionProxy) -> None:
    """Real-time scheduling and locked memory are allowed."""
    assert int(service["LimitRTPRIO"]) >= REALTIME_PRIORITY
    assert service["LimitMEMLOCK"] == "infinity"


def test_every_capability_has_its_reason(service: configparser.SectionProxy) -> None:
    """Named in the comment above the line, and no other is in the set."""
    held = {name.removeprefix("CAP_") for name in service["CapabilityBoundingSet"].split()}
    explained = UNIT.read_text().partition("# What each capability is for:")[2].partition("Capability")[0]
    assert held == set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", explained)) - {
        "IPVS",
        "VIP",
        "VRRP",
        "ARP",
        "RAM",
    }
    assert service["NoNewPrivileges"] == "yes"


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """No unknown key, no value it cannot read; the program is where this machine has one."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/bin/hactl run", f"{sys.executable} -c pass"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if "/lib/systemd/system/" not in line]
    assert (done.returncode, said) == (0, []), "what is said of other packages' units is theirs"


def test_exposure() -> None:
    """systemd's own score does not rise unnoticed."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", str(UNIT)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-200:]
