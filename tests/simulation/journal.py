"""What ran, on which state of the program: a long campaign in pieces, one line of a file for each.

Owns the file and its arithmetic. The law: seeds count together only where core and world were the same, which is told by the
digest of their code, comments and docstrings left out. Several processes may write to one file.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import simulation.trial  # With it comes all of hactl that the worker needs.
from simulation.trial import Trial

import failover

_OF_THE_WORLD = (
    "answers",
    "arbiter",
    "causes",
    "director",
    "holders",
    "judge",
    "kernel",
    "last_holder",
    "memory",
    "orders_kept",
    "process",
    "recovery",
    "schedule",
    "standins",
    "trial",
    "weather",
    "wires",
    "world",
    "writer",
)


class State(msgspec.Struct, frozen=True):
    """The code that ran: the failover worker's, and that of the world around it."""

    core: str
    world: str
    stories: str = "Trial"
    """Which kind of them was told."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Seeds first..end-1 ran; `failed` among them broke an invariant. `seconds` is what this piece took."""

    state: State
    first: int
    end: int
    events: int
    seconds: float
    failed: tuple[int, ...] = ()
    at: str


class Journal:
    """One file of pieces; `stories` is the kind that is told now."""

    def __init__(self, path: Path, stories: type[Trial] = Trial) -> None:
        self._path = path
        self.state = present_state(stories)

    def add(self, first: int, end: int, *, events: int, seconds: float, failed: Iterable[int]) -> None:
        """These seeds have run on the present state."""
        piece = Piece(
            state=self.state,
            first=first,
            end=end,
            events=events,
            seconds=round(seconds, 1),
            failed=tuple(failed),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(piece) + b"\n")

    def next_after(self, first: int) -> int:
        """The lowest seed from this one on that has not run yet on the present state."""
        for begin, end in _joined(piece for piece in self._pieces() if piece.state == self.state):
            if begin <= first < end:
                return end
        return first

    def summary(self) -> str:
        """For people: what ran on each state, in the order in which they came, the present one last."""
        by_state: dict[State, list[Piece]] = {}
        for piece in self._pieces():
            by_state.setdefault(piece.state, []).append(piece)
        by_state[self.state] = by_state.pop(self.state, [])
        return "\n".join(self._line(state, pieces) for state, pieces in by_state.items())

    def _line(self, state: State, pieces: list[Piece]) -> str:
        ranges = _joined(pieces)
        seeds = sum(end - first for first, end in ranges)
        failed = sorted({seed for piece in pieces for seed in piece.failed})
        events, seconds = sum(piece.events for piece in pieces), sum(piece.seconds for piece in pieces)
        where = ", ".join(f"{first} to {end - 1}" for first, end in ranges) or "none"
        found = f"broke an invariant: {', '.join(map(str, failed))}" if failed else "none broke an invariant"
        name = f"core {state.core}, world {state.world}, {state.stories}"
        name += ", the present ones" if state == self.state else ""
        rate = seeds / seconds if seconds else 0.0
        took = f"{events} events, {seconds / 60:.0f} minutes, {rate:.0f} a second"
        return f"{name}: {seeds} schedules ({where}; {took}): {found}"

    def _pieces(self) -> list[Piece]:
        lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        return [msgspec.json.decode(line, type=Piece) for line in lines]


def _joined(pieces: Iterable[Piece]) -> list[tuple[int, int]]:
    """Their ranges, those that touch or overlap as one."""
    ranges: list[tuple[int, int]] = []
    for piece in sorted(pieces, key=lambda piece: piece.first):
        if ranges and piece.first <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(ranges[-1][1], piece.end)
        else:
            ranges.append((piece.first, piece.end))
    return ranges


def present_state(stories: type[Trial]) -> State:
    """That of the files from which this process runs."""
    here = Path(simulation.trial.__file__).parent
    core = Path(failover.__file__).parent
    names = {*_OF_THE_WORLD, stories.__module__.rpartition(".")[2]}
    ours = [name for name in sys.modules if name.startswith("hactl.")]
    files = [
        *core.rglob("*.py"),
        *(core.parent.joinpath(*name.split(".")).with_suffix(".py") for name in ours),
    ]
    return State(
        core=_digest(core.parent, (file for file in files if file.exists())),
        world=_digest(here, (here / f"{name}.py" for name in names)),
        stories=stories.__name__,
    )


def _digest(root: Path, files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for file in sorted(files):
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                node.body = [line for line in node.body if not _is_text(line)]
        whole.update(f"{file.relative_to(root)}\0{ast.dump(tree)}\0".encode())
    return whole.hexdigest()[:12]


def _is_text(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )
