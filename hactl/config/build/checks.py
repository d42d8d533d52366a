"""Checks as the health worker gets them: one spec for each distinct probe of a distinct target."""

from collections.abc import Mapping

import msgspec

from hactl.config import resolve
from hactl.config.build.further_checks import further_probe
from hactl.config.build.ssh import from_origin, ssh_probe
from hactl.config.build.tls import tls_spec
from hactl.config.schema.checks import Check, HttpRequest, HttpsCheck, SshCheck, TcpCheck, status_range
from hactl.config.schema.document import Document
from hactl.ipvs.spec import CheckRef, ServiceSpec
from health.spec import (
    BodyMatch,
    CheckSpec,
    Damping,
    HttpProbe,
    Need,
    Origin,
    PingProbe,
    Probe,
    ScriptProbe,
    TcpProbe,
)


class Checks:
    """Gathers the specs that services refer to; equal ones are one."""

    def __init__(self, document: Document, node: str) -> None:
        self._document = document
        self._node = node
        self._probes: dict[int, Probe | None] = {}
        self._specs: dict[str, CheckSpec] = {}
        self._refs: dict[tuple[int, str, int], str] = {}

    @property
    def by_id(self) -> dict[str, CheckSpec]:
        """Every distinct spec by its id."""
        return self._specs

    def again(self, service: ServiceSpec, known: Mapping[str, CheckSpec]) -> None:
        """Gather what a service refers to that was made before, of `known` specs by id, in the order of its making."""
        for server in service.servers if service.sorry is None else (*service.servers, service.sorry):
            for ref in server.checks:
                self._again(ref.id, known)

    def _again(self, name: str, known: Mapping[str, CheckSpec]) -> None:
        if name not in self._specs:
            need = known[name].need
            if need is not None:
                self._again(need.check, known)
            self._specs[name] = known[name]

    def specs(self) -> tuple[CheckSpec, ...]:
        """Every distinct spec, in the order of first use."""
        return tuple(self._specs.values())

    def refs(self, use: object, address: str, port: int) -> tuple[CheckRef, ...]:
        """What stands under a `check:`, for one target. A kind of check that has no probe yet is left out."""
        refs = []
        for name, check in resolve.named_checks(self._document, use):
            found = self._id(check, address, check.port or port)
            if found is not None:
                refs.append(CheckRef(name=name, id=found))
        return tuple(refs)

    def _id(self, check: Check, address: str, port: int) -> str | None:
        key = (id(check), address, port)
        if key in self._refs:
            return self._refs[key]
        if id(check) not in self._probes:
            self._probes[id(check)] = probe(check)
        made = self._probes[id(check)]
        if made is None:
            return None
        spec = check_spec(check, made, address, port, self._need(check, address, port), self._node)
        self._refs[key] = name = self.add(spec)
        return name

    def add(self, spec: CheckSpec) -> str:
        """A spec that something refers to; its id."""
        name = spec.id
        self._specs.setdefault(name, spec)
        return name

    def _need(self, check: Check, address: str, port: int) -> Need | None:
        """What the check depends on: the named one at the same server, or at the address given."""
        on = check.depends_on
        if on is None:
            return None
        other = self._document.checks[on.check]
        found = self._id(other, on.address or address, other.port or port)
        if found is None:
            return None
        before = self._specs[found].need
        return Need(check=found, root=found if before is None else before.root, skip=on.while_down == "skip")


def _damping(check: Check) -> Damping | None:
    given = check.damping
    return None if given is None else Damping(falls=given.falls, within=given.within, hold=given.hold)


def check_spec(
    check: Check, made: Probe, address: str, port: int, need: Need | None = None, node: str = ""
) -> CheckSpec:
    """One check of one target, by the probe made of it, as the director `node` runs it."""
    origin = _origin(check, node)
    if origin is not None and isinstance(made, ScriptProbe):
        made = from_origin(made, origin)
    return CheckSpec(
        address=address,
        port=0 if isinstance(made, PingProbe) else port,
        probe=_aimed(made, address, port),
        interval=check.interval,
        fast_interval=check.fast,
        timeout=check.patience,
        rise=check.rise,
        fall=check.fall,
        down_interval=check.down_interval or 0.0,
        damping=_damping(check),
        need=need,
        origin=origin,
    )


def _origin(check: Check, node: str) -> Origin | None:
    source, interface = resolve.here(check.source, node), resolve.here(check.interface, node)
    if source is None and interface is None and check.mark is None:
        return None
    return Origin(source=source, interface=interface, mark=check.mark or 0)


def _aimed(made: Probe, address: str, port: int) -> Probe:
    """A program may have its target among its arguments."""
    if not isinstance(made, ScriptProbe):
        return made
    command = tuple(word.replace("{address}", address).replace("{port}", str(port)) for word in made.command)
    return msgspec.structs.replace(made, command=command)


def probe(check: Check) -> Probe | None:
    """The probe of a check, None for a kind that this version cannot run."""
    if isinstance(check, TcpCheck):
        return TcpProbe(
            send=check.send,
            expect=check.expect,
            expect_regex=check.expect_regex,
            tls=tls_spec(check.tls, None),
        )
    if isinstance(check, HttpRequest):
        return _http(check)
    return ssh_probe(check) if isinstance(check, SshCheck) else further_probe(check)


def _http(check: HttpRequest) -> HttpProbe:
    body = check.body
    return HttpProbe(
        method=check.method,
        path=check.path,
        host=check.host,
        headers=tuple(check.headers.items()),
        status=tuple(status_range(text) for text in check.status),
        body=None
        if body is None
        else BodyMatch(contains=body.contains, regex=body.regex, sha256=body.sha256),
        send_body=check.send_body,
        redirects=check.redirects,
        tls=tls_spec(check.tls, check.host) if isinstance(check, HttpsCheck) else None,
    )
