"""The verb `top`: all real servers live on the whole terminal, with keys to sort, search and act.

Asking the daemon happens in a thread of its own, so that the keys answer while it does not. Only what changed is drawn:
over a slow line a quiet cluster costs next to nothing.
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import click
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Input, Label, Static

from hactl.cli.common import Fault, daemon, daemon_options
from hactl.cli.durations import Duration
from hactl.cli.text import STATE_COLOURS
from hactl.cli.top_rows import HEADING, Row, Sample, Sort, cells, heading, later, rows

_STATE = HEADING.index("STATE")
_RIGHT = range(HEADING.index("WEIGHT"), HEADING.index("ADDRESS"))
_TEXT = {
    "drain": "It gets no new connections; those it has stay.",
    "disable": "It leaves the table; its connections end.",
    "enable": "It takes part again as soon as its checks say so.",
}


@click.command()
@click.option("--every", type=Duration(), default=2.0, help="How often to look. Default: 2s")
@daemon_options
def top(every: float) -> None:
    """All real servers live: rates, connections, checks.

    s changes the order, / searches, d drains, e enables and x disables the chosen server, q ends.
    """
    with daemon() as client:
        client.get("version")
        if not (sys.stdin.isatty() and sys.stderr.isatty()):  # where Textual reads and draws
            raise Fault("`top` needs a terminal; `hactl status` says once what it shows")
        Top(client, every).run(mouse=False)


class Ask(ModalScreen[str | None]):
    """Asks once more, with room for a reason; Escape leaves everything as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]
    CSS = """
        Ask {align: center middle;}
        #box {width: 64; height: auto; border: round $primary; padding: 1 2; background: $panel;}
    """

    def __init__(self, action: str, server: str) -> None:
        super().__init__()
        self._action, self._server = action, server

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical(id="box"):
            yield Label(f"{self._action.capitalize()} {self._server}?", markup=False)
            yield Label(_TEXT[self._action], markup=False)
            yield Input(placeholder="reason; Enter does it, Escape does not", id="reason", max_length=200)
            yield Footer()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: do it."""
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Escape: do nothing."""
        self.dismiss(None)


class Top(App[None]):
    """The screen. `client` asks the daemon, each `every` seconds."""

    TITLE = "hactl top"
    ENABLE_COMMAND_PALETTE = False
    CSS = "#head {height: auto; max-height: 8; padding: 0 1;} #search {display: none; height: 3;} DataTable {height: 1fr;}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("s", "sort", "Order"),
        Binding("slash", "search", "Search"),
        Binding("escape", "all", "All", show=False),
        Binding("d", "act('drain')", "Drain"),
        Binding("e", "act('enable')", "Enable"),
        Binding("x", "act('disable')", "Disable"),
    ]

    def __init__(self, client: Any, every: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._client, self._every, self._clock = client, every, clock
        self._past: list[Sample] = []
        self._before: Sample | None = None
        self._now: Sample | None = None
        self._sort = Sort.HEALTH
        self._words = ""
        self._trouble = ""
        self._shown: dict[str, tuple[str, ...]] = {}
        # Held here, for a query looks in the topmost screen only, and looking goes on under an open question.
        self._head = Static(id="head", markup=False)
        self._search = Input(placeholder="show only what contains this", id="search")
        self._table: DataTable[Text] = DataTable(cursor_type="row", zebra_stripes=True)

    def compose(self) -> ComposeResult:
        """Heading, search, table, keys."""
        yield self._head
        yield self._search
        yield self._table
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look."""
        table = self._table
        for name in HEADING:
            table.add_column(name, key=name)
        table.focus()
        self.look()
        self.set_interval(self._every, self.look)

    @work(thread=True, exclusive=True, group="look")
    def look(self) -> None:
        """Ask the daemon for its status."""
        from hactl.control.client import DeclinedError, UnreachableError

        try:
            status, trouble = self._client.get("status"), ""
        except (UnreachableError, DeclinedError) as error:
            status, trouble = None, str(error)
        self.call_from_thread(self._take, status, trouble)

    def _take(self, status: Any, trouble: str) -> None:
        self._trouble = trouble
        if status is not None:
            self._now = Sample(self._clock(), status)
            before = later(self._past, self._now)
            self._before = before[0] if before else None
            self._past = [*before, self._now]
        self._draw()

    def _draw(self) -> None:
        lines = list(heading(self._now.status)) if self._now else [[("waiting for the daemon", "")]]
        order = f"order: {self._sort.text}" + (f", only '{self._words}'" if self._words else "")
        lines[0] = [*lines[0], (order, "dim")]
        if self._trouble:
            lines.insert(0, [(self._trouble, "down")])
        self._head.update(Text("\n").join(_line(parts) for parts in lines))
        if self._now is not None:
            self._fill(rows(self._before, self._now, self._sort, self._words))

    def _fill(self, found: list[Row]) -> None:
        """Bring the table to these rows: in place where the order is the same, else anew with the same row chosen."""
        table = self._table
        wanted = {row.key: cells(row) for row in found}
        if list(wanted) == list(self._shown):
            for key, fields in wanted.items():
                for name, text, former in zip(HEADING, fields, self._shown[key], strict=True):
                    if text != former:
                        table.update_cell(key, name, _styled(HEADING.index(name), text), update_width=True)
        else:
            chosen, place = self._chosen(), table.cursor_row
            table.clear()
            for key, fields in wanted.items():
                table.add_row(*(_styled(number, text) for number, text in enumerate(fields)), key=key)
            keys = list(wanted)
            table.move_cursor(
                row=keys.index(chosen) if chosen in wanted else min(place, max(0, len(keys) - 1))
            )
        self._shown = wanted

    def _chosen(self) -> str:
        """SERVER@SERVICE of the row under the cursor, empty when there is none."""
        keys = list(self._shown)
        place = self._table.cursor_row
        return keys[place] if 0 <= place < len(keys) else ""

    def action_sort(self) -> None:
        """The next order."""
        self._sort = self._sort.following()
        self._draw()

    def action_search(self) -> None:
        """Ask for words."""
        search = self._search
        search.display = True
        search.focus()

    def action_all(self) -> None:
        """Show all again."""
        self._search.value = ""
        self._end_search()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what contains the words so far."""
        if event.input.id == "search":
            self._words = event.value
            self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the table, with what was found."""
        if event.input.id == "search":
            self._end_search()

    def _end_search(self) -> None:
        search = self._search
        search.display = bool(search.value)
        self._table.focus()

    def action_act(self, action: str) -> None:
        """Ask once more, then do it."""
        server = self._chosen()
        if server:
            self.push_screen(Ask(action, server), lambda reason: self._do(action, server, reason))

    def _do(self, action: str, scope: str, reason: str | None) -> None:
        if reason is not None:
            self.carry_out(action, scope, reason)

    @work(thread=True, group="act")
    def carry_out(self, action: str, scope: str, reason: str) -> None:
        """Have the daemon do it, and say how that went."""
        from hactl.control.client import DeclinedError, UnreachableError

        server, _, service = scope.partition("@")
        try:
            answer = self._client.post(
                "overrides", {"action": action, "server": server, "service": service, "reason": reason}
            )
        except (UnreachableError, DeclinedError) as error:
            self.call_from_thread(self.notify, str(error), severity="error", markup=False)
            return
        said = "; ".join([f"{action} {scope}: done", *answer.get("warnings", ())])
        self.call_from_thread(self.notify, said, markup=False)
        self.call_from_thread(self.look)


def _line(parts: Sequence[tuple[str, str]]) -> Text:
    """Words in the colours of their states."""
    return Text("   ").join(Text(text, style=STATE_COLOURS.get(state, "")) for text, state in parts)


def _styled(number: int, text: str) -> Text:
    """A field in its colour, numbers to the right."""
    style = STATE_COLOURS.get(text, "") if number == _STATE else ""
    return Text(text, style=style, justify="right" if number in _RIGHT else "left", no_wrap=True)
