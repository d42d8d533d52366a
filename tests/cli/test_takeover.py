"""`takeover` and `release` as an operator types them: usage, sentences, exit statuses, without touching the host."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hactl.claims import byhand
from hactl.claims.claim import Claim, Lost, Refused, Released, Report, Taken, Wish
from support.commandline import hactl

ROOT = Path(__file__).parent.parent.parent


class Edge:
    """In place of the host: what it was asked, and the answer it gives."""

    def __init__(self) -> None:
        self.wishes: list[Wish] = []
        self.released: list[tuple[str, tuple[Claim, ...], bool]] = []
        self.reports: tuple[Report, ...] = ()
        self.refusals: list[str] = []
        self.error: Exception | None = None
        self.kept = True

    def takeover(self, wish: Wish, tell: Callable[[Report], None]) -> bool:
        """In place of `byhand.takeover`."""
        self.wishes.append(wish)
        if self.error is not None:
            raise self.error
        for report in self.reports:
            tell(report)
        return self.kept

    def release(
        self, interface: str, claims: tuple[Claim, ...], *, force: bool
    ) -> tuple[Released, list[str]]:
        """In place of `byhand.release`."""
        self.released.append((interface, claims, force))
        return Released(interface=interface, addresses=tuple(map(str, claims))), self.refusals


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Edge:
    """The host is left alone."""
    made = Edge()
    monkeypatch.setattr(byhand, "takeover", made.takeover)
    monkeypatch.setattr(byhand, "release", made.release)
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        ("takeover",), ("takeover", "10.0.0.1"), ("takeover", "-i", "eth0"), ("takeover", "web", "-i", "eth0"),
        ("takeover", "10.0.0.1/33", "-i", "eth0"), ("takeover", "224.0.0.18", "-i", "eth0"),
        ("takeover", "10.0.0.1", "10.0.0.1/24", "-i", "eth0"), ("takeover", "10.0.0.1", "-i", "eth0", "--lease", "5"),
        ("takeover", "10.0.0.1", "-i", "eth0", "--lease", "1s"), ("takeover", "10.0.0.1", "-i", "eth0", "--lease", "2500ms"),
        ("takeover", "10.0.0.1", "-i", "eth0", "--lease", "2h"),
        ("takeover", "10.0.0.1", "-i", "eth0", "--permanent", "--lease", "5s"),
        ("takeover", "10.0.0.1", "-i", "eth0", "--permanent", "--refresh", "5s"),
        ("release",), ("release", "10.0.0.1"), ("release", "::", "-i", "eth0"),
        ("release", "10.0.0.1", "-i", "eth0", "--lease", "5s"),
    ],
)  # fmt: skip
def test_wrong_usage(edge: Edge, arguments: tuple[str, ...]) -> None:
    """Each kind of wrong usage ends with 2 before the host is looked at."""
    assert hactl(*arguments).exit_code == 2
    assert (edge.wishes, edge.released) == ([], [])


def test_what_is_wished(edge: Edge) -> None:
    """Options and their defaults: 5 s of lease and a refresh each minute; none of both with --permanent."""
    hactl("takeover", "10.0.0.1", "2001:DB8::1/64", "-i", "eth0")
    hactl("takeover", "10.0.0.1", "-i", "eth0", "--lease", "1m", "--refresh", "2s", "--force")
    hactl("takeover", "10.0.0.1", "-i", "eth0", "--permanent")
    one = Claim("10.0.0.1", 32)
    assert edge.wishes == [
        Wish(interface="eth0", claims=(one, Claim("2001:db8::1", 64, exact=True)), lease=5, refresh=60.0),
        Wish(interface="eth0", claims=(one,), lease=60, refresh=2.0, force=True),
        Wish(interface="eth0", claims=(one,), lease=0, refresh=60.0),
    ]


def test_told_in_text(edge: Edge) -> None:
    """One line an address; a loss goes to standard error and makes the exit status 1."""
    edge.reports = (
        Taken(interface="eth0", addresses=("10.0.0.1/32", "10.0.0.2/32"), lease=5),
        Lost(interface="eth0", address="10.0.0.1/32", reason="its lease ran out"),
        Released(interface="eth0", addresses=("10.0.0.2/32",)),
    )
    edge.kept = False
    result = hactl("takeover", "10.0.0.1", "10.0.0.2", "-i", "eth0")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "10.0.0.1/32 is on eth0, with a lease of 5 s; Ctrl-C takes it off",
        "10.0.0.2/32 is on eth0, with a lease of 5 s; Ctrl-C takes it off",
        "10.0.0.2/32 is off eth0",
    ]
    assert result.stderr == "hactl: 10.0.0.1/32 is lost on eth0: its lease ran out\n"


def test_told_in_json(edge: Edge) -> None:
    """One object a line, each with its event."""
    edge.reports = (
        Taken(interface="eth0", addresses=("10.0.0.1/32",), lease=None),
        Lost(interface="eth0", address="10.0.0.1/32", reason="why"),
    )
    result = hactl("takeover", "10.0.0.1", "-i", "eth0", "--permanent", "--json")
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"event": "taken", "interface": "eth0", "addresses": ["10.0.0.1/32"], "lease": None},
        {"event": "lost", "interface": "eth0", "address": "10.0.0.1/32", "reason": "why"},
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refused("a is so", "b is so"), "hactl: a is so\nhactl: b is so\n"),
        (PermissionError(1, "Operation not permitted"), "hactl: addresses are changed by root only"),
        (OSError(19, "No such device"), "hactl: the kernel refused: No such device\n"),
    ],
)
def test_refusals_are_sentences(edge: Edge, error: Exception, said: str) -> None:
    """Whatever the host says no to is a sentence a line, and exit status 1."""
    edge.error = error
    result = hactl("takeover", "10.0.0.1", "-i", "eth0")
    assert result.exit_code == 1
    assert result.stderr.startswith(said)


def test_release(edge: Edge) -> None:
    """It says what went and what did not; one refusal makes the exit status 1."""
    assert hactl("release", "10.0.0.1", "-i", "eth0").output == "10.0.0.1/32 is off eth0\n"
    edge.refusals = ["10.0.0.9 is not on eth0"]
    result = hactl("release", "10.0.0.1", "-i", "eth0", "--force")
    assert (result.exit_code, result.stderr) == (1, "hactl: 10.0.0.9 is not on eth0\n")
    assert [force for _, _, force in edge.released] == [False, True]
    answer = json.loads(hactl("release", "10.0.0.1", "-i", "eth0", "--json").stdout)
    assert answer == {"interface": "eth0", "released": ["10.0.0.1/32"], "refused": edge.refusals}


def test_interfaces_that_are_none() -> None:
    """An interface that is missing, or that has no Ethernet address, is refused with a sentence."""
    missing = hactl("takeover", "192.0.2.77", "-i", "nosuch0")
    assert (missing.exit_code, missing.stderr) == (1, "hactl: there is no interface nosuch0 on this host\n")
    assert hactl("release", "192.0.2.77", "-i", "nosuch0").stderr == missing.stderr
    loopback = hactl("takeover", "192.0.2.77", "-i", "lo")
    assert (loopback.exit_code, "Ethernet" in loopback.stderr) == (1, True)
    absent = hactl("release", "192.0.2.77", "-i", "lo")
    assert (absent.exit_code, absent.stderr) == (1, "hactl: 192.0.2.77 is not on lo\n")


def test_scapy_only_for_the_question() -> None:
    """Wrong usage, a release and the help load neither scapy nor pyroute2."""
    program = (
        "import atexit, sys; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr)); "
        "from hactl.cli import main; main(sys.argv[1:])"
    )
    for arguments in (["release", "192.0.2.77", "-i", "lo"], ["takeover", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], check=False, capture_output=True, text=True, cwd=ROOT
        )
        imported = {name.split(".")[0] for name in eval(done.stderr.splitlines()[-1])}
        assert imported & {"scapy", "pyroute2"} == set()
