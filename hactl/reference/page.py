"""What a page of the reference is made of, and its two forms: Markdown and a manual page; core."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """A term, what stands beside it in short (its form, its default), and what it means."""

    term: str
    beside: str
    text: str


class Section(msgspec.Struct, frozen=True):
    """A heading, text under it, and entries."""

    title: str
    text: str = ""
    entries: tuple[Entry, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page. `name` and `number` are those of the manual page: hactl.yaml and 5."""

    title: str
    name: str
    number: int
    short: str
    sections: tuple[Section, ...]


def markdown(page: Page) -> str:
    """The page for a site of documentation."""
    return "\n".join([f"# {page.title}", "", _sentence(page.short), "", *_markdown(page.sections)])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _markdown(sections: Iterable[Section]) -> Iterator[str]:
    for section in sections:
        yield from (f"## {section.title}", "")
        if section.text:
            yield from (section.text, "")
        if section.entries:
            yield from ("| | | |", "|---|---|---|")
            for entry in section.entries:
                yield f"| `{entry.term}` | {_cell(entry.beside)} | {_cell(entry.text)} |"
            yield ""


def _cell(text: str) -> str:
    """Text that stays within its cell of a table and makes no markup."""
    escaped = "".join(f"\\{mark}" if mark in "|*_<>`[]" else mark for mark in text)
    return " ".join(escaped.split())


def manual(page: Page, version: str, date: str) -> str:
    """The page for man(1), in man(7)'s macros. `date` is written YYYY-MM-DD."""
    lines = [
        f'.TH "{page.name.upper()}" "{page.number}" "{date}" "hactl {version}" "hactl"',
        ".SH NAME",
        f"{_roff(page.name)} \\- {_roff(page.short)}",
    ]
    for section in page.sections:
        lines += [f'.SH "{_roff(section.title)}"', *_paragraphs(section.text)]
        for entry in section.entries:
            beside = f" ({_roff(entry.beside)})" if entry.beside else ""
            lines += [".TP", f"\\fB{_roff(entry.term)}\\fR{beside}", _roff(" ".join(entry.text.split()))]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Sequence[str]:
    if not text:
        return ()
    return [line for block in text.split("\n\n") for line in (".PP", _roff(" ".join(block.split())))]


def _roff(text: str) -> str:
    """Text that troff takes as it is written: backslashes and hyphens escaped, no line that begins a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
