"""Rules within one check, wherever it is written."""

from collections.abc import Iterator

from hactl.config.duration import written
from hactl.config.fault import Path, suggestion
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.config.rules.references import check_uses
from hactl.config.schema.check_forms import items
from hactl.config.schema.checks import Check, HttpsCheck, SshCheck, Tls
from hactl.config.schema.further_checks import AgentCheck, SipCheck

_PLAIN = frozenset({"submission", "ftp", "imap", "pop3", "ldap", "redis"})
"""Types of checks whose login is no more than the password; the others answer a challenge."""
_ELSEWHERE = frozenset({"ping", "script"})
"""Types whose packets are not sent from a socket of the check's own."""
_READABLE = "without tls or starttls the password can be read on its way"


def written_checks(world: World) -> Iterator[tuple[Path, Check]]:
    """Every check of the file once, named or in place, with its path."""
    for name, check in world.document.checks.items():
        yield ("checks", name), check
    for path, use in check_uses(world.document):
        if isinstance(use, Check):
            yield path, use
        for index, item in enumerate(use if isinstance(use, list) else ()):
            if isinstance(item, Check):
                yield (*path, index), item


def times(world: World) -> Iterator[Finding]:
    """A probe ends before the next begins, and fast means fast."""
    for path, check in written_checks(world):
        if check.timeout is not None and check.timeout > check.interval:
            message = f"must not be longer than the interval, {written(check.interval)}"
            yield fault(*path, "timeout", message=message)
        if check.fast_interval is not None and check.fast_interval > check.interval:
            message = f"must not be longer than the interval, {written(check.interval)}"
            yield fault(*path, "fast_interval", message=message)
        if check.down_interval is not None and check.down_interval < check.interval:
            message = f"must not be shorter than the interval, {written(check.interval)}"
            yield fault(*path, "down_interval", message=message)
        for key in ("interval", "fast_interval", "timeout"):
            seconds = getattr(check, key)
            if seconds is not None and seconds < 0.01:
                yield fault(*path, key, message="must be at least 10ms")


def certificates(world: World) -> Iterator[Finding]:
    """A client certificate has a key, and a name to verify is known."""
    for path, check in written_checks(world):
        tls, starttls = getattr(check, "tls", None), getattr(check, "starttls", None)
        for key, each in (("tls", tls), ("starttls", starttls)):
            if isinstance(each, Tls) and (each.certificate_file is None) != (each.key_file is None):
                message = "certificate_file and key_file belong together"
                yield fault(*path, key, message=message, key=True)
            if isinstance(each, Tls) and each.valid_for and not each.verify:
                message = "needs verify: only a verified certificate is looked at"
                yield fault(*path, key, "valid_for", message=message, key=True)
        if isinstance(tls, Tls) and isinstance(starttls, Tls):
            yield fault(*path, "starttls", message="tls and starttls exclude each other", key=True)
        if not isinstance(tls, Tls):
            continue
        if isinstance(check, SipCheck) and check.protocol != "tcp":
            yield fault(*path, "tls", message="needs protocol: tcp", key=True)
        if tls.verify and tls.name is None and isinstance(check, HttpsCheck) and check.host is None:
            yield warning(
                *path,
                message="the certificate must be valid for the server's address, as neither host nor tls.name is "
                "given; tls: {verify: false} verifies nothing",
                key=True,
            )


def logins(world: World) -> Iterator[Finding]:
    """A password is somebody's."""
    for path, check in written_checks(world):
        if not hasattr(check, "password_file"):
            continue
        who = "bind_dn" if hasattr(check, "bind_dn") else "user"
        nobody = getattr(check, who, None) is None and getattr(check, "type", "") != "redis"
        if nobody and check.password_file is not None:
            yield fault(*path, "password_file", message=f"needs {who}", key=True)
        user = getattr(check, who, None)
        if user is not None and check.password_file is None:
            yield warning(*path, who, message="without password_file an empty password is given", key=True)
        if _in_the_clear(check):
            yield warning(*path, "password_file", message=_READABLE, key=True)


def _in_the_clear(check: Check) -> bool:
    """Whether a password is sent so that anybody on the way can read it."""
    if getattr(check, "type", "") not in _PLAIN or getattr(check, "password_file", None) is None:
        return False
    return getattr(check, "tls", None) is None and getattr(check, "starttls", None) is None


def ssh_logins(world: World) -> Iterator[Finding]:
    """A login has a user and a key, and knows whom it talks to."""
    for path, check in written_checks(world):
        if not isinstance(check, SshCheck):
            continue
        if (check.user is None) != (check.key_file is None):
            yield fault(*path, message="user and key_file belong together", key=True)
        for key in ("command", "known_hosts_file"):
            if check.user is None and getattr(check, key) is not None:
                yield fault(*path, key, message="needs user and key_file", key=True)
        if check.user is not None and check.mark is not None:
            yield fault(*path, "mark", message="has no effect on a login", key=True)
        if check.user is not None and check.known_hosts_file is None:
            yield warning(
                *path, message="without known_hosts_file anybody may answer for the server", key=True
            )


def origins(world: World) -> Iterator[Finding]:
    """Where probes come from is of directors, and of kinds that connect by themselves."""
    directors = world.named("directors")
    for path, check in written_checks(world):
        for key in ("source", "interface", "mark"):
            value = getattr(check, key)
            if value is not None and getattr(check, "type", "") in _ELSEWHERE:
                yield fault(*path, key, message="has no effect on this type of check", key=True)
            for name in value if isinstance(value, dict) else ():
                if name not in directors:
                    message = f"there is no director '{name}'{suggestion(name, directors)}"
                    yield fault(*path, key, name, message=message, key=True)


def dependencies(world: World) -> Iterator[Finding]:
    """A check depends on one that is there, and none on itself by way of others."""
    named = world.document.checks
    for path, check in written_checks(world):
        on = check.depends_on
        if on is None:
            continue
        if on.check not in world.named("checks"):
            message = f"there is no check '{on.check}'{suggestion(on.check, world.named('checks'))}"
            yield fault(*path, "depends_on", message=message)
            continue
        chain = [path[-1]] if path[0] == "checks" else []
        while on is not None and on.check in named and on.check not in chain:
            chain.append(on.check)
            on = named[on.check].depends_on
        if on is not None and on.check == path[-1] and path[0] == "checks":
            yield fault(
                *path, "depends_on", message="depends on itself: " + " -> ".join(map(str, [*chain, on.check]))
            )


def agents(world: World) -> Iterator[Finding]:
    """An agent is asked at a port of its own, and its silence says nothing."""
    for path, check in written_checks(world):
        if isinstance(check, AgentCheck) and check.port is None:
            message = "without port the agent is asked at the service's own port"
            yield warning(*path, message=message, key=True)
    named = world.document.checks
    for path, use in check_uses(world.document):
        checks = [named.get(item) if isinstance(item, str) else item for item in items(use)]
        if checks and all(isinstance(check, AgentCheck) for check in checks):
            message = (
                "an agent that is silent changes nothing, so a dead server stays; give another check as well"
            )
            yield warning(*path, message=message)


RULES = (times, certificates, logins, ssh_logins, origins, dependencies, agents)
