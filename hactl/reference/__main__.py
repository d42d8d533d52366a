"""Writes the reference: `python -m hactl.reference markdown|man FOLDER`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import hactl
from hactl.config.load import json_schema
from hactl.reference import commands, keys, words
from hactl.reference.page import Page, manual, markdown


def pages() -> tuple[Page, ...]:
    """All of it."""
    return (commands.page(), keys.page(json_schema()), words.events(), words.reasons())


def main(form: str, folder: Path) -> None:
    """Write each page as one file."""
    folder.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    for page in pages():
        if form == "man":
            (folder / f"{page.name}.{page.number}").write_text(manual(page, hactl.__version__, today))
        else:
            (folder / f"{page.title.lower()}.md").write_text(markdown(page))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("markdown", "man"):
        sys.exit("usage: python -m hactl.reference markdown|man FOLDER")
    main(sys.argv[1], Path(sys.argv[2]))
