"""What a plain YAML scalar is: the core schema of YAML 1.2, narrowed to what an operator expects.

The law: only null, true, false and decimal, octal (0o17), hexadecimal (0x1f) or floating numbers are anything but words.
`off`, `no`, `051` and `1:30` are words, so no interface, name or duration ever turns into something else.
"""

import re

Scalar = str | int | float | bool | None

_CONSTANTS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]{1,18}", re.ASCII)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,16}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_FLOAT_LENGTH = 40
_NUMBER_START = frozenset("0123456789.+-")


def resolve(text: str) -> Scalar:
    """The value of a plain scalar. Numbers too long to be meant as numbers are words."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_START or text.count(".") > 1:
        return text
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if len(text) <= _FLOAT_LENGTH and _FLOAT.fullmatch(text):
        return float(text)
    return text
