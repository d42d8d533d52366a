"""From the spec of a check to a probe that can be started: one entry for each kind.

Its law: what can be worked out before a probe starts is worked out once, when its check is taken up.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from health.dialogue import Kit, Plan
from health.probes.poller import Poller
from health.probes.search import search
from health.probes.stream import Conversation, Steps
from health.probes.tls import Contexts
from health.result import End
from health.spec import CheckSpec, HttpProbe, TcpProbe
from health.wire import http, ssh, tcp

Done = Callable[[End], None]


class Running(Protocol):
    """A probe under way."""

    def start(self) -> End | None:
        """Begin; the end when that fails at once."""

    def cancel(self) -> None:
        """End without a result."""

    def expire(self) -> End:
        """The deadline has come: end, and say what that means at this stage."""


class Carriers(NamedTuple):
    """What probes of one event loop are carried out with."""

    poller: Poller
    contexts: Contexts

    def probe(self, plan: Plan, done: Done, steps: Steps | None = None) -> Running:
        """A probe ready to be started, once."""
        return Conversation(plan, self.poller, self.contexts, done, steps)

    def fault(self, plan: Plan) -> str | None:
        """What on this host keeps the probe from running, in words."""
        context = self.contexts.get(plan.tls) if plan.tls is not None else None
        return context if isinstance(context, str) else None


def plan(check: CheckSpec, agent: str) -> Plan:
    """How this check is carried out; `agent` is what we call ourselves.

    Raises ProbeError when its spec makes no probe.
    """
    kit = Kit(agent, search)
    probe = check.probe
    if isinstance(probe, HttpProbe):
        return http.plan(check, probe, kit)
    if isinstance(probe, TcpProbe):
        return tcp.plan(check, probe, kit)
    return ssh.plan(check, kit)
