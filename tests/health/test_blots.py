"""No detail of a probe leaves with a secret in it, whichever way the server says it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.blots import BLOT, blotted
from health.result import End, Reason

SECRET = "correct-horse-battery"
PLAIN = base64.b64encode(b"\0me\0" + SECRET.encode()).decode()


def said(detail: str, *secrets: str) -> str:
    """What is left of a detail."""
    return blotted(End(Reason.NO_MATCH, detail), secrets or (SECRET,)).detail


@pytest.mark.parametrize(
    ("detail", "left"),
    [
        (f"530 you said PASS {SECRET}", f"530 you said PASS {BLOT}"),
        (f"{SECRET} and {SECRET}", f"{BLOT} and {BLOT}"),
        (f"535 AUTH PLAIN {PLAIN}", f"535 AUTH PLAIN {BLOT}"),
        (f"535 AUTH PLAIN {PLAIN[:-3]}...", f"535 AUTH PLAIN {BLOT}..."),
        (f"535 AUTH LOGIN {base64.b64encode(SECRET.encode()).decode()}", f"535 AUTH LOGIN {BLOT}"),
        (f"530 you said PASS {SECRET[:9]}...", f"530 you said PASS {BLOT}..."),
        ("530 authentication failed for user", "530 authentication failed for user"),
        ("", ""),
    ],
)
def test_what_is_left(detail: str, left: str) -> None:
    """Plain, coded, cut off; and all else as it was."""
    assert said(detail) == left


def test_a_short_one_is_a_word() -> None:
    """It would blot out half of every sentence."""
    assert said("a bad day", "a") == "a bad day"


@given(before=st.text(max_size=30), secret=st.text(min_size=4, max_size=30), after=st.text(max_size=30))
def test_never_the_whole_of_it(before: str, secret: str, after: str) -> None:
    """Whatever stands around it."""
    assert secret not in said(before + secret + after, secret).replace(BLOT, "\0") or secret in BLOT
