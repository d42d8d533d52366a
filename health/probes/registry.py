"""From the spec of a check to a probe that can be started: one entry for each kind.

Its law: what can be worked out before a probe starts is worked out once, when its check is taken up.
"""

import functools
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from health import spec
from health.conventions import by_status, nagios, ssh_client
from health.dialogue import AnyPlan, CallPlan, DatagramPlan, Kit, LocalPlan, PingPlan, Plan, ProgramPlan
from health.probes import number_file, processes
from health.probes.calls import GATHER, Call, Calls
from health.probes.datagram import Exchange
from health.probes.knock import Knock
from health.probes.local import Look, Looks
from health.probes.ping import Ping, Pings
from health.probes.poller import Poller
from health.probes.program import Program, RunProgram
from health.probes.search import search
from health.probes.steps import Steps
from health.probes.stream import Conversation
from health.probes.tls import Contexts
from health.result import End
from health.spec import CheckSpec
from health.wire import (
    agent,
    dns,
    ftp,
    grpc,
    http,
    imap,
    ldap,
    mysql,
    nntp,
    ntp,
    pop3,
    postgresql,
    radius,
    redis,
    sip,
    smtp,
    ssh,
    tcp,
    udp,
)

_JUDGES = {spec.Convention.NAGIOS: nagios, spec.Convention.SSH: ssh_client}
Done = Callable[[End], None]

_PLANS: dict[type, Callable[[CheckSpec, Any, Kit], AnyPlan]] = {
    spec.HttpProbe: http.plan,
    spec.TcpProbe: tcp.plan,
    spec.SshProbe: ssh.plan,
    spec.SmtpProbe: smtp.plan,
    spec.DnsProbe: dns.plan,
    spec.UdpProbe: udp.plan,
    spec.FtpProbe: ftp.plan,
    spec.ImapProbe: imap.plan,
    spec.Pop3Probe: pop3.plan,
    spec.NntpProbe: nntp.plan,
    spec.RedisProbe: redis.plan,
    spec.NtpProbe: ntp.plan,
    spec.PingProbe: lambda check, probe, kit: PingPlan(check.address),
    spec.ScriptProbe: lambda check, probe, kit: _program(check, probe),
    spec.AgentProbe: agent.plan,
    spec.FileProbe: lambda check, probe, kit: number_file.plan(check, probe),
    spec.ProcessProbe: lambda check, probe, kit: processes.plan(check, probe),
    spec.LdapProbe: ldap.plan,
    spec.MysqlProbe: mysql.plan,
    spec.PostgresqlProbe: postgresql.plan,
    spec.GrpcProbe: grpc.plan,
    spec.SipProbe: sip.plan,
    spec.RadiusProbe: radius.plan,
}


class Running(Protocol):
    """A probe under way."""

    def start(self) -> End | None:
        """Begin; the end when that fails at once."""

    def cancel(self) -> None:
        """End without a result."""

    def expire(self) -> End:
        """The deadline has come: end, and say what that means at this stage."""


class Carriers(msgspec.Struct, frozen=True):
    """What probes of one event loop are carried out with."""

    poller: Poller
    contexts: Contexts
    looks: Looks
    pings: Pings
    calls: Calls
    run_program: RunProgram | None = None

    def probe(
        self, plan: AnyPlan, done: Done, steps: Steps | None = None, origin: spec.Origin | None = None
    ) -> Running:
        """A probe ready to be started, once; `origin` is where its packets are to come from."""
        if isinstance(plan, Plan):  # First, for it is most of all probes.
            if plan.dialogue is None and plan.tls is None:
                return Knock(plan, self.poller, done, steps, origin)
            return Conversation(plan, self.poller, self.contexts, done, steps, origin)
        if isinstance(plan, DatagramPlan):
            follow = functools.partial(self.probe, done=done, steps=steps, origin=origin)
            return Exchange(plan, self.poller, done, follow, steps, origin)
        if isinstance(plan, ProgramPlan):
            return Program(plan, self.run_program, done, steps)
        if isinstance(plan, CallPlan):
            return Call(plan, self.calls, done, steps)
        if isinstance(plan, LocalPlan):
            return Look(plan, self.looks, done)
        return Ping(plan, self.pings, done, steps)

    def fault(self, plan: AnyPlan) -> str | None:
        """What on this host keeps the probe from running, in words."""
        tls = plan.tls if isinstance(plan, Plan) else None
        context = self.contexts.get(tls) if tls is not None else None
        return context if isinstance(context, str) else None


def kit(agent: str, secrets: Mapping[str, str]) -> Kit:
    """What plans are made with here; `agent` is what we call ourselves, `secrets` is read at each probe."""
    return Kit(agent, socket.gethostname(), search, os.urandom, secrets.get)


def plan(check: CheckSpec, kit: Kit) -> AnyPlan:
    """How this check is carried out. Raises ProbeError when its spec makes no probe."""
    return _PLANS[type(check.probe)](check, check.probe, kit)


def _program(check: CheckSpec, probe: spec.ScriptProbe) -> ProgramPlan | CallPlan:
    """A program is told which server is meant, where one is."""
    port = (("HACTL_PORT", str(check.port)),)
    if probe.convention is spec.Convention.MON:
        gather = min(GATHER, check.timeout / 4)
        return CallPlan(probe.command, probe.user, port, check.timeout - gather, check.address, gather)
    target = (("HACTL_ADDRESS", check.address), *port) if check.address else ()
    judge = _JUDGES.get(probe.convention, by_status)
    return ProgramPlan(probe.command, probe.user, target, check.timeout, judge)
