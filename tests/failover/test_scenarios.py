"""Runs the scenario files: each is the specification of what directors do in one situation.

A file is blocks of a command, a line `----` and all that then happens, separated by blank lines; `#` begins a remark. Times
are seconds since the file's beginning; adverts are shown when their priority is another than before. With HACTL_REWRITE=1 in
the environment the expected output is written anew; read the difference before you keep it.

    director NAME [priority=N] [FIELD=VALUE ...]   a director; fields are those of RouterSpec
    start|crash|freeze|thaw|stop|resume NAME       its daemon starts, dies, stands still, goes on, is told to stop, to resume
    release NAME [hold SECONDS]                    it hands over
    handover NAME PEER                             it hands over by name, asking this peer
    fault NAME TEXT | fault unreachable NAME TEXT  something is missing; unreachable: its interface
    mend NAME                                      nothing is missing any more
    priority NAME N                                tracking changes its priority
    cut A B | cut A -> B | heal                    adverts between them are lost, in both or one direction; none is any more
    lose NAME N                                    its next N adverts reach nobody
    delay SECONDS                                  how long adverts travel
    kernel SECONDS                                 how long a write of addresses takes
    run SECONDS                                    time passes
    status                                         state and holder of each
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from failover.actions import Action
from failover.election import Election
from support.cluster import Cluster, Network
from support.failover import router_spec

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))


class Stage:
    """The directors of one file, and the commands that act on them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.cuts: set[tuple[str, str]] = set()
        self.losing: Counter[str] = Counter()
        self.travels = 0.001
        self.kernel_takes = 0.001
        self.cluster = Cluster(Network(self._verdict, lambda host: self.kernel_takes), self._tell)

    def _tell(self, at: float, name: str, text: str) -> None:
        self.lines.append(f"{at:7.3f}  {name}  {text}")

    def _verdict(self, sender: str, receiver: str) -> list[float]:
        if self.losing[sender] > 0:
            self.losing[sender] -= 1
            return []
        return [] if (sender, receiver) in self.cuts else [self.travels]

    def perform(self, command: str) -> list[str]:
        """Perform one command line and return what happened."""
        self.lines = []
        word, *rest = command.split()
        getattr(self, f"do_{word}")(*rest)
        return self.lines

    def do_director(self, name: str, *fields: str) -> None:
        """See the file's docstring, as for all that follow."""
        values = dict(pair.split("=") for pair in fields)
        spec = router_spec(**{key: _value(text) for key, text in values.items()})
        self.cluster.add(name, spec)

    def do_start(self, name: str) -> None:
        """Start a daemon."""
        self.cluster.start(name)

    def do_crash(self, name: str) -> None:
        """Kill a daemon."""
        self.cluster.crash(name)

    def do_freeze(self, name: str) -> None:
        """SIGSTOP."""
        self.cluster.freeze(name)

    def do_thaw(self, name: str) -> None:
        """SIGCONT."""
        self.cluster.thaw(name)

    def do_stop(self, name: str) -> None:
        """An operator's stop."""
        self.cluster.act(name, lambda election: election.stop(self.cluster.now))

    def do_resume(self, name: str) -> None:
        """End of a hold-back."""
        self.cluster.act(name, _resume)

    def do_release(self, name: str, _: str = "hold", hold: str = "3600") -> None:
        """A handover as the worker asks for it."""
        self.cluster.act(
            name,
            lambda election: election.release(
                self.cluster.now, hold=float(hold), within=election.router.successor_within()
            ),
        )

    def do_handover(self, name: str, peer: str) -> None:
        """A handover by name."""
        self.cluster.hand_over(name, peer)

    def do_fault(self, *words: str) -> None:
        """A fault found."""
        reachable = words[0] != "unreachable"
        name, *text = words if reachable else words[1:]
        self.cluster.act(
            name,
            lambda election: election.set_fault(" ".join(text), self.cluster.now, reachable=reachable),
        )

    def do_mend(self, name: str) -> None:
        """The fault is gone."""
        self.cluster.act(name, lambda election: election.set_fault(None, self.cluster.now))

    def do_priority(self, name: str, priority: str) -> None:
        """Another effective priority."""
        self.cluster.act(name, lambda election: election.set_priority(int(priority), self.cluster.now))

    def do_cut(self, first: str, *rest: str) -> None:
        """A partition."""
        self.cuts.add((first, rest[-1]))
        if rest[0] != "->":
            self.cuts.add((rest[0], first))

    def do_heal(self) -> None:
        """The end of all partitions."""
        self.cuts.clear()

    def do_lose(self, name: str, count: str) -> None:
        """Loss."""
        self.losing[name] = int(count) * (len(self.cluster.nodes) - 1)

    def do_delay(self, seconds: str) -> None:
        """Travel time."""
        self.travels = float(seconds)

    def do_kernel(self, seconds: str) -> None:
        """A slow kernel."""
        self.kernel_takes = float(seconds)

    def do_run(self, seconds: str) -> None:
        """Time."""
        self.cluster.run(round(self.cluster.now + float(seconds), 6))

    def do_status(self) -> None:
        """How everybody stands."""
        for node in self.cluster.nodes.values():
            state = "dead" if node.state is None else str(node.state)
            self._tell(self.cluster.now, node.name, f"{state}{', holds the VIP' if node.holds else ''}")


def _resume(election: Election) -> list[Action]:
    election.resume()
    return []


def _value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    return float(text) if "." in text else int(text)


def replay(text: str) -> str:
    """The file as it would have to be: its commands and remarks with what really happens."""
    stage = Stage()
    blocks = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        head = lines[: lines.index("----")] if "----" in lines else lines
        happened = [line for command in head if command[0] != "#" for line in stage.perform(command)]
        blocks.append("\n".join([*head, *(["----", *happened] if happened else [])]))
    return "\n\n".join(blocks) + "\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    """What happens is what the file says."""
    text = path.read_text()
    happens = replay(text)
    if os.environ.get("HACTL_REWRITE"):
        path.write_text(happens)
    assert happens == path.read_text()


def test_there_are_scenarios() -> None:
    """The folder is found."""
    assert len(FILES) > 5
