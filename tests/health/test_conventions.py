"""What the end of a program means: by its status, by Nagios' convention, by Mon's."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.conventions import by_status, mon, nagios
from health.dialogue import Ran
from health.result import LABEL_LIMIT, MEASURES_LIMIT, PASSED, End, Measure, Reason, Result
from health.wire import perfdata

FAILED = End(Reason.PROGRAM_FAILED, "/x: exit status 2")
HUNG = Ran(End(Reason.PROGRAM_TIMEOUT, "/x"), None, b"OK - all is well | a=1\n")
HOSTS = ("10.0.0.1", "10.0.0.11", "2001:db8::")


def ended(status: int, output: bytes = b"") -> Ran:
    """A program that ended by itself."""
    return Ran(PASSED if status == 0 else FAILED, status, output)


@pytest.mark.parametrize(
    ("status", "output", "reason", "detail"),
    [
        (0, b"DISK OK - 3 GB free|free=3GB\n", Reason.OK, "DISK OK - 3 GB free"),
        (0, b"fine", Reason.OK, "OK: fine"),
        (0, b"", Reason.OK, "OK"),
        (1, b"LOAD WARNING - 9", Reason.OK, "LOAD WARNING - 9"),
        (2, b"no answer", Reason.PROGRAM_FAILED, "CRITICAL: no answer"),
        (3, b"usage: ...", Reason.PROGRAM_FAILED, "UNKNOWN: usage: ..."),
        (4, b"x", Reason.PROGRAM_FAILED, "exit status 4, which is none of Nagios': x"),
        (127, b"", Reason.PROGRAM_FAILED, "exit status 127, which is none of Nagios'"),
        (2, b"\xff\xfe", Reason.PROGRAM_FAILED, "CRITICAL: \ufffd\ufffd"),
    ],
)
def test_nagios(status: int, output: bytes, reason: Reason, detail: str) -> None:
    """OK and WARNING pass, everything else fails; the text is the first line."""
    end = nagios(ended(status, output))
    assert (end.reason, end.detail) == (reason, detail)


def test_what_did_not_end_by_itself_has_failed() -> None:
    """Whatever it wrote before."""
    assert by_status(HUNG) == nagios(HUNG) == HUNG.end
    assert mon(HUNG, HOSTS) == dict.fromkeys(HOSTS, HUNG.end)


@pytest.mark.parametrize(
    ("output", "measures"),
    [
        (b"OK|time=0.012s;;;0.0;10.0 size=512B", [("time", 0.012, "s"), ("size", 512, "B")]),
        (b"OK | 'a b'=5% 'it''s'=-1.5", [("a b", 5, "%"), ("it's", -1.5, "")]),
        (b"OK|/=2643MB;5948;5958;0;5968\nmore text\nyet more|/boot=68MB;88 /var=1\n",
         [("/", 2643, "MB"), ("/boot", 68, "MB"), ("/var", 1, "")]),
        (b"OK|a=U b=1 =3 c d=x e=1e5 f=1.2.3 g=7", [("b", 1, ""), ("g", 7, "")]),
        (b"OK|a=1 a=2", [("a", 1, "")]),
        (b"OK", []),
        (b"|", []),
        (b"OK|" + b"x" * (LABEL_LIMIT + 1) + b"=1 y=1" + b"u" * 9 + b" z=" + b"9" * 400, []),
        (b"OK|\x1b[2J=1", []),
    ],
)  # fmt: skip
def test_what_a_plugin_measured(output: bytes, measures: list[tuple[str, float, str]]) -> None:
    """Label, number and unit; what is not in the form is left out."""
    assert nagios(ended(0, output)).measures == tuple(Measure(*each) for each in measures)


@pytest.mark.parametrize("word", [b"'", b"a", b"''", b"a=1"])
def test_a_long_word_costs_little(word: bytes) -> None:
    """A plugin repeats what a server said, and while its output is read no check of this worker goes on."""
    began = time.process_time()
    perfdata.read(b"OK|" + word * (8000 // len(word)))
    assert time.process_time() - began < 0.05


def test_measures_are_bounded() -> None:
    """A plugin that measures without end gives the first ones."""
    said = perfdata.read(b"OK|" + b" ".join(b"m%d=%d" % (n, n) for n in range(5000)))
    assert [measure.label for measure in said.measures] == [f"m{n}" for n in range(MEASURES_LIMIT)]


@given(st.binary(max_size=300) | st.text("'=|;. 0123456789ab\n", max_size=200).map(str.encode))
def test_any_output_makes_a_result(output: bytes) -> None:
    """Never an exception, and always something that may be sent on."""
    for end in (nagios(ended(2, output)), *mon(ended(1, output), HOSTS).values()):
        result = end.result(0.1)
        assert isinstance(result, Result)
        assert result.detail.isprintable()


def test_mon_all_well() -> None:
    """Status 0: all hosts are well, whatever is written."""
    assert mon(ended(0, b"10.0.0.1\n"), HOSTS) == dict.fromkeys(HOSTS, PASSED)


@pytest.mark.parametrize(
    ("output", "failed"),
    [
        (b"10.0.0.1\n\n10.0.0.1: refused\n", {"10.0.0.1": "10.0.0.1: refused"}),
        (b"10.0.0.11, 10.0.0.1\nfirst\n10.0.0.1 (dead)\n", {"10.0.0.1": "10.0.0.1 (dead)", "10.0.0.11": "first"}),
        (b"2001:db8:: somebody-else", {"2001:db8::": ""}),
        (b"  10.0.0.11:\r\n", {"10.0.0.11": ""}),
    ],
)  # fmt: skip
def test_mon_says_which(output: bytes, failed: dict[str, str]) -> None:
    """Those named in the first line have failed, with the line that speaks of them; the others are well."""
    ends = mon(ended(1, output), HOSTS)
    assert {host: end.detail for host, end in ends.items() if end.reason is Reason.PROGRAM_FAILED} == failed
    assert all(end == PASSED for host, end in ends.items() if host not in failed)


@pytest.mark.parametrize(
    "output", [b"", b"\n10.0.0.1\n", b"cannot open socket\n10.0.0.1\n", b"\xff\x00", b"10.0.0.111"]
)
def test_mon_says_nothing(output: bytes) -> None:
    """A failure that names none of its hosts is that of all: none passes unproven."""
    ends = mon(ended(2, output), HOSTS)
    assert {end.reason for end in ends.values()} == {Reason.PROGRAM_FAILED}
    assert all("names none of its hosts" in end.detail for end in ends.values())
