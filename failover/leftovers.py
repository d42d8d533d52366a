"""What a daemon before us has left on this host and nobody needs any more."""

import contextlib
import socket
from collections.abc import Iterator, Sequence

from failover import outgoing, ways, wire
from failover.host import strays
from failover.kernel import open_route
from failover.kernel_job import Job
from failover.place import Place
from failover.report import Remark
from failover.spec import RouterSpec
from failover.surroundings import Surroundings

_ANSWER_WITHIN = 2.0
_READ = 1 << 17


def remove_strays(routers: Sequence[RouterSpec], around: Surroundings) -> None:
    """Take off marked addresses that no router wants: a daemon with another configuration left them."""
    if not (found := strays(tuple(routers), around.host)):
        return
    places = tuple(Place(a.index, a.address, a.prefix) for a in found)
    around.report(Remark("", f"removing {len(found)} addresses left by a former configuration"))
    around.write(Job("strays", places, None, float("inf"), lambda _: None))


def remove_stray_ways(routers: Sequence[RouterSpec], around: Surroundings) -> None:
    """Remove marked routes and rules that no router wants. Done at once: at the start nothing waits for it."""
    wanted = [way for spec in routers for way in outgoing.found_ways(spec, around.host)]
    with contextlib.suppress(OSError), contextlib.closing(open_route(strict=True)) as sock:
        sock.settimeout(_ANSWER_WITHIN)
        found = []
        for sequence, question in ways.dumps():
            sock.send(question)
            found += [stray for data in _answers(sock, sequence) for stray in ways.strays(data, wanted)]
        for number, (kind, body) in enumerate(found, 100):
            sock.send(wire.message(kind, wire.REQUEST | wire.ACK, number, body))
            sock.recv(_READ)
        if found:
            around.report(Remark("", f"removed {len(found)} routes and rules left by a former configuration"))


def _answers(sock: socket.socket, sequence: int) -> Iterator[bytes]:
    """What one dump brings, to its end."""
    while True:
        data = sock.recv(_READ)
        yield data
        if any(isinstance(v, wire.Answer) and v.sequence == sequence for v in wire.read(data)):
            return
