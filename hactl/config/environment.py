"""`${NAME}` in a value: a reference to the environment. `$${` stands for a literal `${`.

The law: an unset name is a fault, never an empty text, and what the environment holds is in no message.
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def expand(text: str, env: Mapping[str, str]) -> tuple[str, list[str]]:
    """The text with references replaced, and a sentence for each that could not be."""
    problems: list[str] = []

    def replacement(match: re.Match[str]) -> str:
        if match.group() == "$${":
            return "${"
        name, end = match.groups()
        if not end:
            problems.append("'${' without '}'; write $${ for a literal ${")
        elif not _NAME.fullmatch(name):
            problems.append(f"'{match.group()}' names no environment variable; write $${{ for a literal ${{")
        elif name not in env:
            problems.append(f"the environment variable {name} is not set")
        else:
            return env[name]
        return ""

    return _REFERENCE.sub(replacement, text), problems
