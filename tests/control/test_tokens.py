"""Tokens of the page: whose they are, what they permit, and that a wrong line tells nothing."""

from collections.abc import Iterator

import pytest

from hactl.control.page.tokens import Token, faults, shown, tokens
from hactl.control.roles import Role
from support.fake_page import FakePage, fake_page

FILE = """
# for the wallboard
read wall aaaa
operate alice bbbb

admin bob cccc
dddd
"""


def test_a_file_of_tokens() -> None:
    """A line each; a word alone is the operators', without a name."""
    assert tokens(FILE) == (
        Token(Role.READ, "wall", "aaaa"),
        Token(Role.OPERATE, "alice", "bbbb"),
        Token(Role.ADMIN, "bob", "cccc"),
        Token(Role.OPERATE, "", "dddd"),
    )
    assert tokens("") == ()
    assert faults(FILE) == ()


@pytest.mark.parametrize(
    "line", ["boss alice secret-1", "operate secret-1", f"operate {'a' * 33} secret-1", "a b c secret-1"]
)
def test_a_line_that_is_none(line: str) -> None:
    """It gives nobody anything, and its number is told, not what stands in it."""
    assert tokens(line) == ()
    (sentence,) = faults(f"# x\n{line}\n")
    assert sentence.startswith("line 2 ")
    assert "secret" not in sentence


def test_which_token_is_shown() -> None:
    """Exactly that one."""
    assert shown("cccc", tokens(FILE)) == Token(Role.ADMIN, "bob", "cccc")
    assert shown("cccc ", tokens(FILE)) is None
    assert shown("", tokens(FILE)) is None
    assert shown("ü", tokens(FILE)) is None


@pytest.fixture(scope="module")
def page() -> Iterator[FakePage]:
    """A page with all of these."""
    with fake_page() as running:
        running.token = FILE
        yield running


DRAIN = {"action": "drain", "server": "rs1"}


@pytest.mark.parametrize(
    ("token", "verb", "body", "needs"),
    [
        ("aaaa", "overrides", DRAIN, "operate"),
        ("aaaa", "reload", {}, "admin"),
        ("bbbb", "reload", {}, "admin"),
        ("dddd", "reload", {"nonsense": 1}, "admin"),
        ("cccc", "reload", {"path": "/etc/hactl/hactl.yaml"}, "root"),
        ("eeee", "standby", {}, "operate"),
        ("", "resume", {}, "operate"),
        ("", "reload", {}, "admin"),
    ],
)
def test_a_role_too_small_is_said(
    page: FakePage, token: str, verb: str, body: dict[str, object], needs: str
) -> None:
    """Each refusal names the role that is needed, and nothing happens."""
    before = len(page.commands.asked)
    status, answer = page.post(verb, body, token)
    assert (status, answer["error"]["needs"]) == (403, needs)
    assert needs in answer["error"]["message"]
    assert len(page.commands.asked) == before


@pytest.mark.parametrize(
    ("token", "verb", "body", "user"),
    [
        ("bbbb", "overrides", DRAIN, "alice (page from 127.0.0.1)"),
        ("cccc", "reload", {}, "bob (page from 127.0.0.1)"),
        ("cccc", "handover", {}, "bob (page from 127.0.0.1)"),
        ("dddd", "standby", {}, "page from 127.0.0.1"),
    ],
)
def test_who_acted_is_kept(page: FakePage, token: str, verb: str, body: dict[str, object], user: str) -> None:
    """By the name of the token, and from where."""
    assert page.post(verb, body, token)[0] == 200
    assert page.commands.asked[-1][1].user == user
