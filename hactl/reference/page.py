"""What a page of the reference is made of, and its two forms: Markdown and a manual page; core."""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """A term, what stands beside it in short (its form, its default), and what it means."""

    term: str
    beside: str
    text: str


class Section(msgspec.Struct, frozen=True):
    """A heading, how a command is called, text, and entries; `columns` are the headings of their table."""

    title: str
    text: str = ""
    entries: tuple[Entry, ...] = ()
    columns: tuple[str, str, str] = ("Word", "", "Meaning")
    usage: str = ""


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
        yield from (f"## {_heading(section.title)}", "")
        if section.usage:
            yield from ("```text", section.usage, "```", "")
        yield from (_prose(block) for block in section.text.split("\n\n") if block)
        yield from _table(section)


def _heading(title: str) -> str:
    """Manual pages shout their headings, pages of a site do not."""
    return title.capitalize().replace(" api", " API") if title.isupper() else _literal(title)


def _prose(block: str) -> str:
    """One paragraph, however its lines were indented."""
    return " ".join(line.strip() for line in block.splitlines()).strip() + "\n"


def _table(section: Section) -> Iterator[str]:
    """Its entries, the middle column only where something stands in it; each term can be linked to."""
    if not section.entries:
        return
    beside = any(entry.beside for entry in section.entries)
    first, middle, last = section.columns
    yield from (
        (f"| {first} | {middle} | {last} |", "|---|---|---|")
        if beside
        else (f"| {first} | {last} |", "|---|---|")
    )
    for entry in section.entries:
        place = entry.term if section.title.isupper() else f"{section.title}.{entry.term}"
        anchor = "-".join(re.findall(r"[\w.-]+", place))
        cells = [
            f"`{entry.term}`{{ #{anchor} }}",
            *([_cell(entry.beside)] if beside else []),
            _cell(entry.text),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _cell(text: str) -> str:
    """Text that stays within its cell of a table; what is between backquotes is literal, and no other mark acts."""
    words = " ".join(text.split())
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return _literal(words)
    return "".join(f"`{part}`" if at % 2 else _literal(part) for at, part in enumerate(parts))


def _literal(text: str) -> str:
    return "".join(f"\\{mark}" if mark in "|*_<>`[]" else mark for mark in text)


def manual(page: Page, version: str, date: str) -> str:
    """The page for man(1), in man(7)'s macros. `date` is written YYYY-MM-DD."""
    lines = [
        f'.TH "{page.name.upper()}" "{page.number}" "{date}" "hactl {version}" "hactl"',
        ".SH NAME",
        f"{_roff(page.name)} \\- {_roff(page.short)}",
    ]
    for section in page.sections:
        lines += [f'.SH "{_roff(section.title)}"', *_usage(section.usage), *_paragraphs(section.text)]
        for entry in section.entries:
            beside = f" ({_roff(entry.beside)})" if entry.beside else ""
            lines += [".TP", f"\\fB{_roff(entry.term)}\\fR{beside}", _roff(" ".join(entry.text.split()))]
    return "\n".join(lines) + "\n"


def _usage(usage: str) -> Sequence[str]:
    return (".PP", f"\\fB{_roff(usage)}\\fR") if usage else ()


def _paragraphs(text: str) -> Sequence[str]:
    if not text:
        return ()
    return [line for block in text.split("\n\n") for line in (".PP", _roff(" ".join(block.split())))]


def _roff(text: str) -> str:
    """Text that troff takes as it is written: backslashes and hyphens escaped, no line that begins a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
