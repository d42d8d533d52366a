"""Words of others, made safe for a line of a log or a terminal.

The law: nothing is lost; what would move a cursor, end the line or colour it is shown as its escape.
"""


def printable(text: str) -> str:
    """The text with everything unprintable escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
