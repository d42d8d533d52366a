"""The file with the trailer's keys: what it may hold, and that nothing of it is shown."""

import pytest

from failover.trailer import Key
from failover.trailer_keys import TrailerKeys, read_trailer_keys

OLD, NEW = "o" * 32, "0f" * 32


def test_the_first_sends_and_all_are_taken() -> None:
    """So a key is replaced in steps: below the old one everywhere, above it everywhere, alone."""
    old, new = Key(1, OLD.encode()), Key(2, bytes.fromhex(NEW))
    found = read_trailer_keys(f"# since May\n1 {OLD}\n\n  2\thex:{NEW}\n", "/f")
    assert found == TrailerKeys(old, {1: old, 2: new})
    assert read_trailer_keys(f"2 hex:{NEW}\n1 {OLD}", "/f") == TrailerKeys(new, {1: old, 2: new})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "key file /f cannot be read"),
        ("", "key file /f holds no key"),
        ("# 1 nothing", "key file /f holds no key"),
        (OLD, "a line in /f is not a number from 0 to 255 and a secret, such as: 1 hex:00112233..."),
        (f"256 {OLD}", "a line in /f is not a number from 0 to 255 and a secret, such as: 1 hex:00112233..."),
        (f"1 {OLD} x", "a line in /f is not a number from 0 to 255 and a secret, such as: 1 hex:00112233..."),
        ("7 short", "key 7 in /f has 5 bytes; 32 to 64 are needed"),
        ("7 " + "o" * 65, "key 7 in /f has 65 bytes; 32 to 64 are needed"),
        ("7 hex:" + "0f" * 31, "key 7 in /f has 31 bytes; 32 to 64 are needed"),
        ("7 hex:0", "key 7 in /f is not an even number of hexadecimal digits after hex:"),
        ("7 hex:" + "xy" * 32, "key 7 in /f is not an even number of hexadecimal digits after hex:"),
        (f"1 {OLD}\n1 hex:{NEW}", "key 1 is twice in /f"),
        ("\n".join(f"{n} {OLD}" for n in range(9)), "key file /f holds 9 keys; at most 8 are taken"),
    ],
)
def test_what_is_no_key_file(text: str | None, words: str) -> None:
    """One sentence that names the file and the number, and shows no secret."""
    assert read_trailer_keys(text, "/f") == words
    assert OLD not in words
