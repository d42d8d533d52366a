"""The forms of the control API's questions and answers as bytes; core.

The law: whoever serves the API, on the socket or on the page, reads and answers in exactly these forms. A refusal is
`{"error": {"code": ..., "message": ...}}` with a fitting HTTP status.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from hactl.control.answers import Refusal, Refused, rejected
from hactl.control.commands import ReloadAnswer
from hactl.control.refusals import Code, RefusedError

T = TypeVar("T")


def _number(text: str) -> float | int:
    """To JSON 1.0 is a whole number."""
    number = float(text)
    return int(number) if number.is_integer() else number


_JSON = msgspec.json.Decoder(float_hook=_number)


class Reply(msgspec.Struct, frozen=True):
    """An HTTP status and a JSON body."""

    status: int
    body: bytes


def answer(content: object, status: int = 200) -> Reply:
    """An answer with any content that msgspec encodes."""
    return Reply(status, msgspec.json.encode(content))


def given(content: object) -> Reply:
    """What an operation answered, in its form."""
    match content:
        case ReloadAnswer(ok=False):
            return answer(rejected(content), Code.REJECTED.status)
        case _:
            return answer(content)


def refusal(code: Code, message: str, *, status: int | None = None, needs: str = "") -> Reply:
    """A no: a code for programs, a sentence for people, and the role that is needed where it is for want of one."""
    error: Refusal = {"code": code, "message": message}
    if needs:
        error["needs"] = needs
    refused: Refused = {"error": error}
    return answer(refused, status or code.status)


def refused(error: RefusedError) -> Reply:
    """The answer to a request that was refused."""
    return refusal(error.code, error.message, needs=error.needs)


def read(data: bytes, kind: type[T]) -> T:
    """A request's JSON body as `kind`; an empty one means all defaults. Raises RefusedError."""
    try:
        return msgspec.convert(_JSON.decode(data or b"{}"), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError(Code.INVALID, str(error)) from error
    except RecursionError:
        raise RefusedError(Code.INVALID, "the JSON is nested too deeply") from None


def read_query(query: Iterable[tuple[str, str]], kind: type[T]) -> T:
    """A request's query as `kind`. Raises RefusedError."""
    given: dict[str, str] = {}
    for key, value in query:
        if key in given:
            raise RefusedError(Code.INVALID, f"{key} is given twice")
        given[key] = value
    try:
        return msgspec.convert(given, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise RefusedError(Code.INVALID, str(error)) from error
