"""The forms of the control API's questions and answers as bytes; core.

The law: whoever serves the API, on the socket or on the page, reads and answers in exactly these forms. A refusal is
`{"error": {"code": ..., "message": ...}}` with a fitting HTTP status.
"""

from typing import Any, TypeVar

import msgspec

from hactl.control.commands import Code, RefusedError
from hactl.overrides import Override
from hactl.picture import wall_text
from notify.event import Event

T = TypeVar("T")


class Reply(msgspec.Struct, frozen=True):
    """An HTTP status and a JSON body."""

    status: int
    body: bytes


def answer(content: object, status: int = 200) -> Reply:
    """An answer with any content that msgspec encodes."""
    return Reply(status, msgspec.json.encode(content))


def refusal(code: Code, message: str, status: int | None = None) -> Reply:
    """A no: a code for programs, a sentence for people."""
    return answer({"error": {"code": code, "message": message}}, status or code.status)


def read(data: bytes, kind: type[T]) -> T:
    """A request's JSON body as `kind`; an empty one means all defaults. Raises RefusedError."""
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError(Code.INVALID, str(error)) from error


def read_query(query: dict[str, str], kind: type[T]) -> T:
    """A request's query as `kind`. Raises RefusedError."""
    try:
        return msgspec.convert(query, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise RefusedError(Code.INVALID, str(error)) from error


def row(number: int, event: Event) -> dict[str, Any]:
    """An event as clients see it: with its row number, and its time as text."""
    return {"row": number, **msgspec.to_builtins(event), "at": wall_text(event.at)}


def override(one: Override) -> dict[str, Any]:
    """An override as clients see it: its times as text."""
    until = None if one.until is None else wall_text(one.until)
    return {**msgspec.to_builtins(one), "until": until, "at": wall_text(one.at)}
