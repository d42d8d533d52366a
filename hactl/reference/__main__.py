"""Writes the reference: `python -m hactl.reference markdown|man FOLDER`; `... openapi` prints the API's description."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import hactl
from hactl.config.load import json_schema
from hactl.control import openapi
from hactl.reference import api, commands, keys, words
from hactl.reference.page import Page, manual, markdown


def pages() -> tuple[Page, ...]:
    """All of it."""
    return (commands.page(), keys.page(json_schema()), words.events(), words.reasons(), api.page())


def main(form: str, folder: Path) -> None:
    """Write each page as one file."""
    folder.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    for page in pages():
        if form == "man":
            (folder / f"{page.name}.{page.number}").write_text(manual(page, hactl.__version__, today))
        else:
            (folder / f"{page.title.lower()}.md").write_text(markdown(page))


def described() -> str:
    """The API's description as JSON, the same as /v1/openapi.json of a daemon of this version."""
    return json.dumps(openapi.document(hactl.__version__), indent=2) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["openapi"]:
        sys.stdout.write(described())
    elif len(sys.argv) == 3 and sys.argv[1] in ("markdown", "man"):
        main(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit("usage: python -m hactl.reference markdown|man FOLDER, or openapi")
