"""The imap probe: greeting, STARTTLS where asked, login where a user is given, LOGOUT (RFC 9051).

Its law: no mailbox is opened; lines that answer no command of ours are read past.
"""

from health.dialogue import Dialogue, Farewell, Kit, Plan, StartTls, server_name
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, ImapProbe
from health.wire.login import password_word, user_word
from health.wire.talk import Over, Talk, Turns, line


def plan(check: CheckSpec, probe: ImapProbe, kit: Kit) -> Plan:
    """How this check is carried out."""

    def dialogue() -> Dialogue:
        return Talk(_turns(check, probe, kit), line)

    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), dialogue)


def _turns(check: CheckSpec, probe: ImapProbe, kit: Kit) -> Turns[bytes, End | Farewell]:
    greeting = yield b""
    words = greeting.upper().split(b" ", 2)
    if words[0] != b"*" or len(words) < 2 or words[1] not in (b"OK", b"PREAUTH", b"BYE"):
        raise Over(Reason.BAD_ANSWER, f"said {excerpt(greeting)}")
    if words[1] == b"BYE":
        raise Over(Reason.WRONG_STATUS, excerpt(greeting))
    if probe.starttls is not None:
        yield from _done(b"a", b"STARTTLS\r\n", Reason.TLS_FAILED)
        yield StartTls(probe.starttls, server_name(probe.starttls, check.address))
    if probe.user is not None and words[1] != b"PREAUTH":
        name, word = _quoted(user_word(probe.user)), _quoted(password_word(probe.password_file, kit))
        yield from _done(b"b", b"LOGIN " + name + b" " + word + b"\r\n", Reason.LOGIN_FAILED)
    return Farewell(b"c LOGOUT\r\n", End(Reason.OK, excerpt(greeting)))


def _done(tag: bytes, command: bytes, refused: Reason) -> Turns[bytes, None]:
    """Give a command and hear that it is done. Raises Over, with `refused` at NO and BAD."""
    said = yield tag + b" " + command
    while said.startswith(b"* "):
        if said[2:].upper().startswith(b"BYE"):
            raise Over(Reason.CLOSED, excerpt(said))
        said = yield b""
    words = said.upper().split(b" ", 2)
    if words[0] != tag.upper() or len(words) < 2 or words[1] not in (b"OK", b"NO", b"BAD"):
        raise Over(Reason.BAD_ANSWER, f"said {excerpt(said)}")
    if words[1] != b"OK":
        raise Over(refused, excerpt(said[len(tag) + 1 :]))


def _quoted(word: bytes) -> bytes:
    """A quoted string; RFC 9051 allows UTF-8 in it, older servers take bytes as they are."""
    return b'"' + word.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
