"""For mkdocs: adds the reference, which is no file of docs/ but written from the program itself; names the cells of tables,
which fold on a phone; and lets no page load anything from another host."""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from hactl.reference.__main__ import pages
from hactl.reference.page import markdown

TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
LOADED = re.compile(
    r"<(?:script|img|iframe|source)[^>]+src=\"?(https?://[^\" >]+)|<link[^>]+href=\"?(https?://[^\" >]+)[^>]*stylesheet"
)


def _example() -> str:
    """The example that is shipped and tried by the tests, as a page."""
    text = Path("etc/hactl.yaml").read_text()
    where = "`etc/hactl.yaml`, also in `/usr/share/doc/hactl/examples`."
    return f"# An example with every key\n\n{where}\n\n```yaml\n{text}```\n"


def on_files(files: Files, *, config: Any) -> Files:
    """Adds a page for each of the reference."""
    for page in pages():
        files.append(File.generated(config, f"reference/{page.title.lower()}.md", content=markdown(page)))
    files.append(File.generated(config, "reference/example.md", content=_example()))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Each cell of a table with three columns and more bears the name of its column."""
    return TABLE.sub(_named, html)


def _named(found: re.Match[str]) -> str:
    table = found.group()
    names = [re.sub("<[^>]+>", "", name) for name in re.findall(r"<th[^>]*>(.*?)</th>", table, re.DOTALL)]
    if len(names) < 3:
        return table
    cells = iter(range(table.count("<td")))

    def name(cell: re.Match[str]) -> str:
        column = next(cells) % len(names)
        return f'{cell.group()} data-label="{names[column]}"' if column and names[column] else cell.group()

    return re.sub(r"<td\b", name, table)


def on_post_build(*, config: Any) -> None:
    """Refuses a page that loads from elsewhere: the pages are read from disk, perhaps where there is no network."""
    for page in Path(config.site_dir).rglob("*.html"):
        for first, second in LOADED.findall(page.read_text()):
            raise PluginError(f"{page.name} loads {first or second}")
