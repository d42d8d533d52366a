"""Why a request is refused: a closed list of codes, each with its HTTP status; core."""

from enum import StrEnum


class Code(StrEnum):
    """Why a request was refused. The number of each is its HTTP status."""

    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    REJECTED = "rejected"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"

    @property
    def status(self) -> int:
        """The HTTP status that carries this refusal."""
        return _STATUS[self]

    @property
    def text(self) -> str:
        """The code in words for people."""
        return _TEXTS[self]


_STATUS = {
    Code.INVALID: 400,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.TOO_LARGE: 413,
    Code.REJECTED: 422,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
}

_TEXTS = {
    Code.INVALID: "the request breaks the form",
    Code.FORBIDDEN: "this user may not ask that",
    Code.NOT_FOUND: "there is nothing of that name",
    Code.CONFLICT: "not possible in the present state",
    Code.TOO_LARGE: "the request is too long",
    Code.REJECTED: "the configuration was not accepted",
    Code.INTERNAL: "a fault of hactl",
    Code.UNAVAILABLE: "a part of the daemon does not answer now",
}


class RefusedError(Exception):
    """A request that is answered with no: a code for programs and a sentence for people; for want of a role,
    the one that it `needs`."""

    def __init__(self, code: Code, message: str, *, needs: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.needs = needs
